"""The errors that reach a person: what happened, where, and what to do, in one line."""


class AmfastError(Exception):
    """An error whose text is the whole message for the operator; never shown with a traceback."""


class ConfigError(AmfastError):
    """A configuration file that cannot be used."""
