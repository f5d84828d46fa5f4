#include "cli/exported.h"

#include <gelf.h>
#include <libelf.h>
#include <stdlib.h>
#include <string.h>

#include "policy/openssl.h"

enum { STRINGS_MAX = 1 << 26, SYMBOLS_MAX = 1 << 22 };

/* The names of the functions that a file exports, sorted. */
struct names {
    const char **at;
    size_t count;
};

static int compare(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* The bytes of a section as they are in the file: elf_getdata() would inflate one that calls itself
 * compressed. */
static const Elf_Data *raw_bytes(Elf *elf, const GElf_Shdr *header, uint64_t limit, Elf_Type type)
{
    if (header->sh_size == 0 || header->sh_size > limit || header->sh_offset > INT64_MAX)
        return NULL;
    const Elf_Data *data = elf_getdata_rawchunk(elf, (int64_t)header->sh_offset, header->sh_size, type);
    return data != NULL && data->d_buf != NULL && data->d_size >= header->sh_size ? data : NULL;
}

/* False: memory is short. */
static bool collect(const Elf_Data *symbols, size_t count, const Elf_Data *strings, struct names *names)
{
    const char *text = strings->d_buf;
    names->at = malloc(count * sizeof *names->at);
    if (names->at == NULL)
        return false;
    for (size_t i = 0; i < count; i++) {
        GElf_Sym symbol;
        if (gelf_getsym((Elf_Data *)(uintptr_t)symbols, (int)i, &symbol) == NULL)
            break;
        if (symbol.st_shndx == SHN_UNDEF || GELF_ST_TYPE(symbol.st_info) != STT_FUNC ||
            symbol.st_name >= strings->d_size ||
            memchr(text + symbol.st_name, '\0', strings->d_size - symbol.st_name) == NULL)
            continue;
        names->at[names->count++] = text + symbol.st_name;
    }
    qsort(names->at, names->count, sizeof *names->at, compare);
    return true;
}

static bool read_names(Elf *elf, struct names *names)
{
    for (Elf_Scn *section = NULL; (section = elf_nextscn(elf, section)) != NULL;) {
        GElf_Shdr header;
        GElf_Shdr strings_header;
        if (gelf_getshdr(section, &header) == NULL || header.sh_type != SHT_DYNSYM)
            continue;
        size_t entry = gelf_fsize(elf, ELF_T_SYM, 1, EV_CURRENT);
        Elf_Scn *strings_section = elf_getscn(elf, header.sh_link);
        if (entry == 0 || strings_section == NULL || gelf_getshdr(strings_section, &strings_header) == NULL)
            return true;
        header.sh_size -= header.sh_size % entry;
        const Elf_Data *symbols = raw_bytes(elf, &header, SYMBOLS_MAX * entry, ELF_T_SYM);
        const Elf_Data *strings = raw_bytes(elf, &strings_header, STRINGS_MAX, ELF_T_BYTE);
        return symbols == NULL || strings == NULL || collect(symbols, header.sh_size / entry, strings, names);
    }
    return true;
}

/* The table's functions are not to be called: any address but NULL will do. */
static void *find(void *context, const char *name, uint32_t hash, size_t size)
{
    (void)hash;
    (void)size;
    const struct names *names = context;
    return names->count == 0 ? NULL : bsearch(&name, names->at, names->count, sizeof *names->at, compare);
}

static enum exported judge(struct names *names, const char **missing)
{
    struct ossl unused;
    if (find(names, "SSL_CTX_new", 0, 0) == NULL)
        return EXPORTED_NONE;
    *missing = ossl_fill_crypto(&unused, find, names);
    if (*missing == NULL)
        *missing = ossl_fill_ssl(&unused, find, names);
    return *missing == NULL ? EXPORTED_ALL : EXPORTED_PARTLY;
}

enum exported exported_find(int fd, const char **missing)
{
    struct names names = {NULL, 0};
    elf_version(EV_CURRENT);
    Elf *elf = elf_begin(fd, ELF_C_READ, NULL);
    if (elf == NULL)
        return EXPORTED_FAILED;
    enum exported answer = read_names(elf, &names) ? judge(&names, missing) : EXPORTED_FAILED;
    free(names.at);
    elf_end(elf);
    return answer;
}
