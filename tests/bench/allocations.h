/* What the preload bench_allocations counts, in the whole process: calls of malloc, calloc and realloc. */
#ifndef BENCH_ALLOCATIONS_H
#define BENCH_ALLOCATIONS_H

struct allocation_counts {
    unsigned long all;
    unsigned long ours; /* from the code of libtlsgraft.so itself */
};

/* Weak where it is called: without the preload it is NULL. */
void bench_allocation_counts(struct allocation_counts *counts);

#endif
