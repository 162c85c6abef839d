"""What PyTorch multiplies matrices with."""


def blas_note():
    """Debian's torch takes whatever BLAS the system has: with the reference one it is a hundred times slower."""
    try:
        with open("/proc/self/maps") as maps:
            slow = "/blas/libblas.so" in maps.read()
    except OSError:
        return None
    return "slow reference BLAS: apt-get install libopenblas0-pthread" if slow else None
