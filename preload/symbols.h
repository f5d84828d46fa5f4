/*
 * One loaded object: what it defines, and what its own calls lead to. Read from the tables of the ELF gABI
 * (PT_DYNAMIC) and from the GNU hash section, without the loader.
 *
 * Threads: any. Nothing is kept, and nothing is allocated.
 */
#ifndef TLSGRAFT_SYMBOLS_H
#define TLSGRAFT_SYMBOLS_H

#include <link.h>
#include <stdbool.h>
#include <stdint.h>

/* One loaded object. It is valid as long as the object stays loaded. */
struct object {
    uintptr_t base;
    uintptr_t low, high; /* its addresses: low <= a < high */
    const char *path;    /* of its file; empty: the main program */
    const char *soname;  /* DT_SONAME, else the file's name; NULL: neither */
    const char *strings; /* DT_STRTAB */
    const ElfW(Dyn) * dynamic;
    const ElfW(Sym) * symbols;
    const ElfW(Half) * versions; /* DT_VERSYM; NULL: none */
    const uint32_t *gnu_hash;    /* NULL: none */
    const uint32_t *sysv_hash;   /* NULL: none */
};

/* Fills in where it is, and nothing else: base, low, high, path and dynamic. False: it has no dynamic
 * section. */
bool object_place(const struct dl_phdr_info *info, struct object *object);

/* Fills `object`; false for what has no symbols that can be looked up. */
bool object_describe(const struct dl_phdr_info *info, struct object *object);

/*
 * Fills what `object->base` and `object->dynamic` lead to (`soname` only where it has one there); false for
 * what has no symbols that can be looked up. Calls no function, so that it serves before the host is ready
 * for calls.
 */
bool object_read_dynamic(struct object *object);

/* Where an object itself defines a function; NULL: it does not. */
void *object_function(const struct object *object, const char *name);

/*
 * To what address an object's own calls of a function lead, as the loader has bound them so far. NULL: it has
 * none that the loader binds.
 */
const void *object_binding(const struct object *object, const char *function);

static inline bool object_holds(const struct object *object, const void *address)
{
    return (uintptr_t)address >= object->low && (uintptr_t)address < object->high;
}

#endif
