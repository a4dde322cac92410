"""How fast a bundle is, and whether the machine was fit to be measured."""
