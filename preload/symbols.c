#include "preload/symbols.h"

#include <elf.h>
#include <string.h>

/* Some machines' loaders leave the pointers of PT_DYNAMIC as they are in the file. */
static const void *relocated(const struct object *object, const ElfW(Dyn) * entry)
{
    ElfW(Addr) pointer = entry->d_un.d_ptr;
    return (const void *)(pointer < object->base
                              ? object->base + pointer /* NOLINT(performance-no-int-to-ptr) */
                              : pointer);
}

/* In one pass: a program may have a hundred objects, and all of them are read several times at its start. */
bool object_read_dynamic(struct object *object)
{
    const ElfW(Dyn) *soname = NULL;
    object->strings = NULL;
    object->symbols = NULL;
    object->versions = NULL;
    object->gnu_hash = NULL;
    object->sysv_hash = NULL;
    for (const ElfW(Dyn) *entry = object->dynamic; entry->d_tag != DT_NULL; entry++) {
        switch (entry->d_tag) {
        case DT_STRTAB:
            object->strings = relocated(object, entry);
            break;
        case DT_SYMTAB:
            object->symbols = relocated(object, entry);
            break;
        case DT_VERSYM:
            object->versions = relocated(object, entry);
            break;
        case DT_GNU_HASH:
            object->gnu_hash = relocated(object, entry);
            break;
        case DT_HASH:
            object->sysv_hash = relocated(object, entry);
            break;
        case DT_SONAME:
            soname = entry;
            break;
        default:
            break;
        }
    }
    if (soname != NULL && object->strings != NULL)
        object->soname = object->strings + soname->d_un.d_val;
    return object->strings != NULL;
}

bool object_place(const struct dl_phdr_info *info, struct object *object)
{
    object->base = info->dlpi_addr;
    object->low = UINTPTR_MAX;
    object->high = 0;
    object->dynamic = NULL;
    object->path = info->dlpi_name == NULL ? "" : info->dlpi_name;
    for (ElfW(Half) i = 0; i < info->dlpi_phnum; i++) {
        const ElfW(Phdr) *header = &info->dlpi_phdr[i];
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
    return object->dynamic != NULL;
}

bool object_describe(const struct dl_phdr_info *info, struct object *object)
{
    const char *slash = info->dlpi_name == NULL ? NULL : strrchr(info->dlpi_name, '/');
    object->soname =
        slash == NULL ? NULL : slash + 1; /* for one that has no DT_SONAME, as its needers name it */
    return object_place(info, object) && object_read_dynamic(object);
}

static uint32_t gnu_hash_of(const char *name)
{
    uint32_t hash = 5381;
    for (const unsigned char *c = (const unsigned char *)name; *c != '\0'; c++)
        hash = 33 * hash + *c;
    return hash;
}

/* strcmp(3) may be the host's own, and that not be ready before main. */
static bool is_same(const char *a, const char *b)
{
    while (*a != '\0' && *a == *b) {
        a++;
        b++;
    }
    return *a == *b;
}

static bool is_definition(const struct object *object, uint32_t index, const char *name)
{
    const ElfW(Sym) *symbol = &object->symbols[index];
    const ElfW(Half) hidden_version = 0x8000;
    if (symbol->st_shndx == SHN_UNDEF || ELF64_ST_TYPE(symbol->st_info) != STT_FUNC)
        return false;
    if (object->versions != NULL && (object->versions[index] & hidden_version) != 0)
        return false;
    return is_same(object->strings + symbol->st_name, name);
}

static void *definition(const struct object *object, uint32_t index)
{
    return (void *)(object->base + object->symbols[index].st_value); /* NOLINT(performance-no-int-to-ptr) */
}

static void *find_by_gnu_hash(const struct object *object, const char *name)
{
    uint32_t buckets = object->gnu_hash[0];
    uint32_t first = object->gnu_hash[1];
    uint32_t bloom_words = object->gnu_hash[2];
    const uint32_t *bucket =
        object->gnu_hash + 4 + (size_t)bloom_words * (sizeof(ElfW(Addr)) / sizeof(uint32_t));
    const uint32_t *chain = bucket + buckets;
    uint32_t hash = gnu_hash_of(name);
    uint32_t index = buckets == 0 ? 0 : bucket[hash % buckets];
    if (index < first)
        return NULL;
    for (;; index++) {
        uint32_t entry = chain[index - first];
        if ((entry | 1) == (hash | 1) && is_definition(object, index, name))
            return definition(object, index);
        if ((entry & 1) != 0)
            return NULL;
    }
}

/* The gABI's own table, for objects that were linked with --hash-style=sysv. */
static void *find_by_sysv_hash(const struct object *object, const char *name)
{
    uint32_t buckets = object->sysv_hash[0];
    const uint32_t *bucket = object->sysv_hash + 2;
    const uint32_t *chain = bucket + buckets;
    uint32_t hash = 0;
    for (const unsigned char *c = (const unsigned char *)name; *c != '\0'; c++) {
        hash = (hash << 4) + *c;
        hash = (hash ^ (hash & 0xf0000000U) >> 24) & 0x0fffffffU;
    }
    for (uint32_t index = buckets == 0 ? 0 : bucket[hash % buckets]; index != 0; index = chain[index]) {
        if (is_definition(object, index, name))
            return definition(object, index);
    }
    return NULL;
}

void *object_function(const struct object *object, const char *name)
{
    if (object->symbols == NULL)
        return NULL;
    if (object->gnu_hash != NULL)
        return find_by_gnu_hash(object, name);
    return object->sysv_hash == NULL ? NULL : find_by_sysv_hash(object, name);
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
        if (symbol == 0 || strcmp(object->strings + object->symbols[symbol].st_name, function) != 0)
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
        const void *at = relocated(object, entry);
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
