#include "preload/symbols.h"

#include <elf.h>
#include <string.h>

#include "policy/gnu_hash.h"

/*
 * Some machines' loaders leave the pointers of PT_DYNAMIC as they are in the file. What they point to is near
 * PT_DYNAMIC. The base of an object that lies below its addresses in the file is "negative", so it tells
 * nothing.
 */
static uintptr_t relocated(const struct object *object, ElfW(Addr) pointer)
{
    uintptr_t here = (uintptr_t)object->dynamic;
    uintptr_t in_file = here - object->base;
    uintptr_t from_here = pointer < here ? here - pointer : pointer - here;
    uintptr_t from_file = pointer < in_file ? in_file - pointer : pointer - in_file;
    return from_file < from_here ? object->base + pointer : pointer;
}

/* NULL where there was no entry. */
static const void *pointer_of(const struct object *object, ElfW(Addr) pointer)
{
    return pointer == 0 ? NULL
                        : (const void *)relocated(object, pointer); /* NOLINT(performance-no-int-to-ptr) */
}

const ElfW(Dyn) * object_dynamic(const struct dl_phdr_info *info)
{
    for (ElfW(Half) i = 0; i < info->dlpi_phnum; i++) {
        if (info->dlpi_phdr[i].p_type == PT_DYNAMIC) {
            uintptr_t at = info->dlpi_addr + info->dlpi_phdr[i].p_vaddr;
            return (const ElfW(Dyn) *)at; /* NOLINT(performance-no-int-to-ptr) */
        }
    }
    return NULL;
}

/* A GNU hash section: four numbers, the words of the Bloom filter, the buckets, the chains. */
struct gnu_hash {
    uint32_t buckets;
    uint32_t first; /* the first symbol that is in it */
    uint32_t bloom_words;
    uint32_t bloom_shift;
    ElfW(Addr) bloom[];
};

static bool bloom_may_have(const struct gnu_hash *section, uint32_t hash)
{
    const uint32_t bits = 8 * sizeof(ElfW(Addr));
    if (section->bloom_words == 0)
        return true;
    /* Their number is a power of two. */
    ElfW(Addr) word = section->bloom[hash / bits & (section->bloom_words - 1)];
    return (word >> hash % bits & word >> (hash >> section->bloom_shift) % bits & 1) != 0;
}

bool object_may_define(const struct dl_phdr_info *info, const uint32_t *hashes, size_t count)
{
    const ElfW(Dyn) *entry = object_dynamic(info);
    const struct object object = {.base = info->dlpi_addr, .dynamic = entry};
    while (entry != NULL && entry->d_tag != DT_GNU_HASH)
        entry = entry->d_tag == DT_NULL ? NULL : entry + 1;
    if (entry == NULL)
        return true;
    const struct gnu_hash *section =
        (const void *)relocated(&object, entry->d_un.d_ptr); /* NOLINT(performance-no-int-to-ptr) */
    for (size_t i = 0; i < count; i++) {
        if (bloom_may_have(section, hashes[i]))
            return true;
    }
    return false;
}

bool object_read_dynamic(struct object *object)
{
    /* First as they are: most entries are of no interest. */
    ElfW(Addr) at[DT_SYMTAB + 1] = {0};
    ElfW(Addr) versions = 0;
    ElfW(Addr) gnu_hash = 0;
    ElfW(Addr) soname = 0;
    object->strings_size = 0;
    for (const ElfW(Dyn) *entry = object->dynamic; entry->d_tag != DT_NULL; entry++) {
        if ((ElfW(Xword))entry->d_tag <= DT_SYMTAB)
            at[entry->d_tag] = entry->d_un.d_ptr;
        else if (entry->d_tag == DT_STRSZ)
            object->strings_size = entry->d_un.d_val;
        else if (entry->d_tag == DT_SONAME)
            soname = entry->d_un.d_val;
        else if (entry->d_tag == DT_VERSYM)
            versions = entry->d_un.d_ptr;
        else if (entry->d_tag == DT_GNU_HASH)
            gnu_hash = entry->d_un.d_ptr;
    }
    object->strings = pointer_of(object, at[DT_STRTAB]);
    object->symbols = pointer_of(object, at[DT_SYMTAB]);
    object->sysv_hash = pointer_of(object, at[DT_HASH]);
    object->versions = pointer_of(object, versions);
    object->gnu_hash = pointer_of(object, gnu_hash);
    object->soname = object->strings == NULL || soname == 0 ? NULL : object->strings + soname;
    return object->strings != NULL;
}

bool object_ends_before(const struct dl_phdr_info *info, const void *address)
{
    /* They are in the order of their addresses (gABI). */
    for (ElfW(Half) i = info->dlpi_phnum; i > 0; i--) {
        const ElfW(Phdr) *header = &info->dlpi_phdr[i - 1];
        if (header->p_type == PT_LOAD)
            return info->dlpi_addr + header->p_vaddr + header->p_memsz <= (uintptr_t)address;
    }
    return true;
}

void object_place(const struct dl_phdr_info *info, struct object *object)
{
    object->base = info->dlpi_addr;
    object->path = info->dlpi_name == NULL ? "" : info->dlpi_name;
    object->low = UINTPTR_MAX;
    object->high = 0;
    object->dynamic = NULL;
    for (const ElfW(Phdr) *header = info->dlpi_phdr; header != info->dlpi_phdr + info->dlpi_phnum; header++) {
        uintptr_t start = info->dlpi_addr + header->p_vaddr;
        if (header->p_type == PT_DYNAMIC)
            object->dynamic = (const ElfW(Dyn) *)start; /* NOLINT(performance-no-int-to-ptr) */
        if (header->p_type != PT_LOAD)
            continue;
        if (start < object->low)
            object->low = start;
        if (start + header->p_memsz > object->high)
            object->high = start + header->p_memsz;
    }
}

bool object_read(struct object *object)
{
    if (object->dynamic == NULL || !object_read_dynamic(object))
        return false;
    if (object->soname == NULL) {
        /* As its needers name it. */
        const char *slash = strrchr(object->path, '/');
        object->soname = slash == NULL ? NULL : slash + 1;
    }
    return true;
}

uint32_t object_hash(const char *name)
{
    uint32_t hash = GNU_HASH_INITIAL;
    for (const unsigned char *c = (const unsigned char *)name; *c != '\0'; c++)
        hash = GNU_HASH_FACTOR * hash + *c;
    return hash;
}

/* What is searched for. */
struct wanted {
    const char *name;
    uint32_t hash;
    size_t size; /* of the name, with its NUL */
};

/* Wherever it stands. */
typedef uint64_t word __attribute__((aligned(1), may_alias));

static word word_at(const char *text)
{
    return *(const word *)(const void *)text;
}

/*
 * strcmp(3) may be the host's own, and that not be ready before main: a sanitizer's starts the sanitizer,
 * which calls dlsym(3), and so us, before it has found libc's. Only names of the same hash are compared, so
 * nearly all are the same to their ends, and word by word is three times as fast.
 */
static bool is_name(const struct object *object, size_t offset, const struct wanted *wanted)
{
    if (offset > object->strings_size || object->strings_size - offset < wanted->size)
        return false;
    const char *name = object->strings + offset;
    size_t at = 0;
    for (; at + sizeof(word) <= wanted->size; at += sizeof(word)) {
        if (word_at(name + at) != word_at(wanted->name + at))
            return false;
    }
    for (; at < wanted->size; at++) {
        if (name[at] != wanted->name[at])
            return false;
    }
    return true;
}

static bool is_definition(const struct object *object, uint32_t index, const struct wanted *wanted)
{
    const ElfW(Sym) *symbol = &object->symbols[index];
    const ElfW(Half) hidden_version = 0x8000;
    if (symbol->st_shndx == SHN_UNDEF || ELF64_ST_TYPE(symbol->st_info) != STT_FUNC)
        return false;
    if (object->versions != NULL && (object->versions[index] & hidden_version) != 0)
        return false;
    return is_name(object, symbol->st_name, wanted);
}

static void *definition(const struct object *object, uint32_t index)
{
    return (void *)(object->base + object->symbols[index].st_value); /* NOLINT(performance-no-int-to-ptr) */
}

static void *find_by_gnu_hash(const struct object *object, const struct wanted *wanted)
{
    const struct gnu_hash *section = object->gnu_hash;
    const uint32_t *bucket = (const uint32_t *)(section->bloom + section->bloom_words);
    const uint32_t *chain = bucket + section->buckets;
    uint32_t index = section->buckets == 0 ? 0 : bucket[wanted->hash % section->buckets];
    if (index < section->first)
        return NULL;
    /* The lowest bit of an entry is not of the hash: it marks the last of a chain. */
    const uint32_t *entry = chain + (index - section->first);
    for (uint32_t hash = wanted->hash | 1; (*entry | 1) != hash || !is_definition(object, index, wanted);
         index++) {
        if ((*entry++ & 1) != 0)
            return NULL;
    }
    return definition(object, index);
}

/* The gABI's own table, for objects that were linked with --hash-style=sysv. */
static void *find_by_sysv_hash(const struct object *object, const struct wanted *wanted)
{
    uint32_t buckets = object->sysv_hash[0];
    const uint32_t *bucket = object->sysv_hash + 2;
    const uint32_t *chain = bucket + buckets;
    uint32_t hash = 0;
    for (const unsigned char *c = (const unsigned char *)wanted->name; *c != '\0'; c++) {
        hash = (hash << 4) + *c;
        hash = (hash ^ (hash & 0xf0000000U) >> 24) & 0x0fffffffU;
    }
    for (uint32_t index = buckets == 0 ? 0 : bucket[hash % buckets]; index != 0; index = chain[index]) {
        if (is_definition(object, index, wanted))
            return definition(object, index);
    }
    return NULL;
}

static void *find(const struct object *object, const struct wanted *wanted)
{
    if (object->symbols == NULL)
        return NULL;
    if (object->gnu_hash != NULL)
        return find_by_gnu_hash(object, wanted);
    return object->sysv_hash == NULL ? NULL : find_by_sysv_hash(object, wanted);
}

void *object_function_sized(const struct object *object, const char *name, uint32_t hash, size_t size)
{
    return find(object, &(struct wanted){name, hash, size});
}

void *object_function_by_hash(const struct object *object, const char *name, uint32_t hash)
{
    size_t size = 1;
    while (name[size - 1] != '\0')
        size++;
    return object_function_sized(object, name, hash, size);
}

void *object_function(const struct object *object, const char *name)
{
    return object_function_by_hash(object, name, object_hash(name));
}

#if __SIZEOF_POINTER__ == 8
#define SYMBOL_OF(info) ELF64_R_SYM(info)
#else
#define SYMBOL_OF(info) ELF32_R_SYM(info)
#endif

/* One of an object's tables of relocations; 0 entries where it has none. */
struct relocations {
    const unsigned char *at;
    size_t size;
    size_t entry_size;
};

static const void *find_binding(const struct object *object, const struct relocations *table,
                                const char *function)
{
    for (size_t i = 0; table->at != NULL && i + table->entry_size <= table->size; i += table->entry_size) {
        /* ElfW(Rela) begins with the members of ElfW(Rel). */
        const ElfW(Rel) *entry = (const ElfW(Rel) *)(table->at + i);
        size_t symbol = SYMBOL_OF(entry->r_info);
        const char *name = object->strings + object->symbols[symbol].st_name;
        /* Most differ in the first character already. */
        if (symbol == 0 || name[0] != function[0] || strcmp(name, function) != 0)
            continue;
        uintptr_t slot = object->base + entry->r_offset;
        return *(const void *const volatile *)slot; /* NOLINT(performance-no-int-to-ptr) */
    }
    return NULL;
}

const void *object_binding(const struct object *object, const char *function)
{
    struct relocations calls = {NULL, 0, sizeof(ElfW(Rela))};
    struct relocations with_addend = {NULL, 0, sizeof(ElfW(Rela))};
    struct relocations without = {NULL, 0, sizeof(ElfW(Rel))};
    for (const ElfW(Dyn) *entry = object->dynamic; entry->d_tag != DT_NULL; entry++) {
        const void *at =
            (const void *)relocated(object, entry->d_un.d_ptr); /* NOLINT(performance-no-int-to-ptr) */
        if (entry->d_tag == DT_JMPREL)
            calls.at = at;
        else if (entry->d_tag == DT_PLTRELSZ)
            calls.size = entry->d_un.d_val;
        else if (entry->d_tag == DT_PLTREL && entry->d_un.d_val == DT_REL)
            calls.entry_size = sizeof(ElfW(Rel));
        else if (entry->d_tag == DT_RELA)
            with_addend.at = at;
        else if (entry->d_tag == DT_RELASZ)
            with_addend.size = entry->d_un.d_val;
        else if (entry->d_tag == DT_REL)
            without.at = at;
        else if (entry->d_tag == DT_RELSZ)
            without.size = entry->d_un.d_val;
    }
    if (object->symbols == NULL)
        return NULL;
    const void *to = find_binding(object, &calls, function);
    if (to == NULL)
        to = find_binding(object, &with_addend, function);
    return to != NULL ? to : find_binding(object, &without, function);
}
