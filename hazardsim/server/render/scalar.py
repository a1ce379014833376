"""The picture without arrays: Mitsuba's own path tracer and materials, for machines without a usable LLVM."""
def render_scalar(*a): raise NotImplementedError
