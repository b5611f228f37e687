def keep_freed(block_bytes: int) -> bool:
    """Use blocks below so many bytes again at once, instead of having the system clear new pages for each.

    The portions of listings are such blocks. Up to twice as much stays unused. False where the C library has no such
    setting.
    """
