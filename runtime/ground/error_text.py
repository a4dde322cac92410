"""What an error says, on one line: other people's libraries write messages of many lines, or of none."""


def one_line(said: object) -> str:
    """All of a text or of an error's message on one line; the name of its class where an error says nothing."""
    return " ".join(str(said).split()) or _unsaid(said)


def telling_line(error: BaseException) -> str:
    """The one line of an error's message that says most; the name of its class where it says nothing.

    That is the first line. Where it ends with a colon it only announces (PyTorch's ``load_state_dict``, OpenVINO,
    which begins with its own source files), and the last line has what is announced.
    """
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    if not lines:
        return _unsaid(error)
    return lines[-1] if lines[0].endswith(":") else lines[0]


def _unsaid(said: object) -> str:
    return type(said).__name__ if isinstance(said, BaseException) else ""
