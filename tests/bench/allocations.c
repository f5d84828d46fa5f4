/* A preload that counts allocations, and tells which of them the code of libtlsgraft.so asked for. */
#include "tests/bench/allocations.h"

#include <link.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* glibc's own names of its allocator: what dlsym(3) would find, without a call that allocates. */
void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *block, size_t size);

void *malloc(size_t size);
void *calloc(size_t count, size_t size);
void *realloc(void *block, size_t size);

static atomic_ulong all;
static atomic_ulong ours;
static uintptr_t begin;
static uintptr_t end;

static int find(struct dl_phdr_info *object, size_t size, void *context)
{
    (void)size;
    (void)context;
    if (strstr(object->dlpi_name, "/libtlsgraft.so") == NULL)
        return 0;
    begin = object->dlpi_addr;
    for (int i = 0; i < object->dlpi_phnum; i++) {
        const ElfW(Phdr) *part = &object->dlpi_phdr[i];
        if (part->p_type == PT_LOAD && begin + part->p_vaddr + part->p_memsz > end)
            end = begin + part->p_vaddr + part->p_memsz;
    }
    return 1;
}

__attribute__((constructor)) static void start(void)
{
    dl_iterate_phdr(find, NULL);
}

static void count(const void *caller)
{
    uintptr_t address = (uintptr_t)caller;
    atomic_fetch_add_explicit(&all, 1, memory_order_relaxed);
    if (address >= begin && address < end)
        atomic_fetch_add_explicit(&ours, 1, memory_order_relaxed);
}

void *malloc(size_t size)
{
    count(__builtin_return_address(0));
    return __libc_malloc(size);
}

void *calloc(size_t number, size_t size)
{
    count(__builtin_return_address(0));
    return __libc_calloc(number, size);
}

void *realloc(void *block, size_t size)
{
    count(__builtin_return_address(0));
    return __libc_realloc(block, size);
}

void bench_allocation_counts(struct allocation_counts *counts)
{
    counts->all = atomic_load(&all);
    counts->ours = atomic_load(&ours);
}
