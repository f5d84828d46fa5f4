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

struct gnu_hash;

/* One loaded object. It is valid as long as the object stays loaded. */
struct object {
    uintptr_t base;
    uintptr_t low, high; /* its addresses: low <= a < high */
    const char *path;    /* of its file; empty: the main program */
    const char *soname;  /* DT_SONAME, else the file's name; NULL: neither */
    const char *strings; /* DT_STRTAB */
    size_t strings_size; /* in bytes */
    const ElfW(Dyn) * dynamic;
    const ElfW(Sym) * symbols;
    const ElfW(Half) * versions;     /* DT_VERSYM; NULL: none */
    const struct gnu_hash *gnu_hash; /* NULL: none */
    const uint32_t *sysv_hash;       /* NULL: none */
};

/*
 * Most objects are searched in vain, and told from the others by these two alone: where an object's
 * PT_DYNAMIC is, NULL where it has none; and whether, by the Bloom filter of its GNU hash section, it may
 * define one of the names of these hashes (policy/gnu_hash.h). True too where it has no such section.
 */
const ElfW(Dyn) * object_dynamic(const struct dl_phdr_info *info);
bool object_may_define(const struct dl_phdr_info *info, const uint32_t *hashes, size_t count);

/* Do all of an object's addresses lie below this one? Told by its program headers alone, as the two above. */
bool object_ends_before(const struct dl_phdr_info *info, const void *address);

/* The hash of a name that is no literal. */
uint32_t object_hash(const char *name);

/*
 * Fills `object` in two steps, for of most objects only the first is asked: its path, its addresses and its
 * PT_DYNAMIC; then what that leads to. False for what has no symbols that can be looked up.
 */
void object_place(const struct dl_phdr_info *info, struct object *object);
bool object_read(struct object *object);

/*
 * Fills what `object->base` and `object->dynamic` lead to; false for what has no symbols that can be looked
 * up. Calls no function, so that it serves before the host is ready for calls.
 */
bool object_read_dynamic(struct object *object);

/* Where an object itself defines a function; NULL: it does not. No function is called, as above. */
void *object_function(const struct object *object, const char *name);

/* The same, where the hash of its name is known, and its size with the NUL. */
void *object_function_by_hash(const struct object *object, const char *name, uint32_t hash);
void *object_function_sized(const struct object *object, const char *name, uint32_t hash, size_t size);

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
