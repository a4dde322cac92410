"""What a program uses of cameras and the gate, each in one class; ``dgiqa_edge`` offers them by name."""
