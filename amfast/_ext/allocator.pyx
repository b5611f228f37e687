# cython: freethreading_compatible=True
"""How the C library's allocator gives memory back."""

cdef extern from *:
    """
    #if defined(__GLIBC__)
    #include <malloc.h>
    static int amf_keep_freed(int bytes) {
      return mallopt(M_MMAP_THRESHOLD, bytes) && mallopt(M_TRIM_THRESHOLD, 2 * bytes);
    }
    #else
    static int amf_keep_freed(int bytes) { (void)bytes; return 0; }
    #endif
    """
    bint amf_keep_freed(int bytes) nogil


def keep_freed(int block_bytes):
    return amf_keep_freed(block_bytes)
