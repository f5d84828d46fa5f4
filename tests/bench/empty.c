/* A shared object that does nothing: what LD_PRELOAD itself costs. */
int bench_empty;
