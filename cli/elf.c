#include "cli/elf.h"

#include <elf.h>
#include <errno.h>
#include <gelf.h>
#include <libelf.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum {
    /* The kernel takes no more program headers than fit into 64 KiB. */
    HEADERS_MAX = 65536 / sizeof(Elf32_Phdr),
    DYNAMIC_MAX = 1 << 20,
    STRINGS_MAX = 1 << 24,
    SECTION_NAMES_MAX = 1 << 24,
};

/* The part of the file that a program header or an address leads to. */
struct range {
    int64_t offset;
    size_t size;
};

static uint16_t half(const unsigned char *at, bool big_endian)
{
    return (uint16_t)(big_endian ? at[0] << 8 | at[1] : at[1] << 8 | at[0]);
}

/* The fields that stand at the same place in both classes. */
static enum elf_outcome read_start(int fd, struct elf_facts *facts, char *why, size_t size)
{
    unsigned char start[EI_NIDENT + 4] = {0};
    ssize_t got = pread(fd, start, sizeof start, 0);
    if (got < 0)
        return ELF_FAILED;
    if (got < SELFMAG || memcmp(start, ELFMAG, SELFMAG) != 0)
        return ELF_OTHER;
    if (got < (ssize_t)sizeof start) {
        snprintf(why, size, "it ends within its ELF header");
        return ELF_BROKEN;
    }
    facts->elf_class = start[EI_CLASS];
    facts->encoding = start[EI_DATA];
    facts->type = half(start + EI_NIDENT, facts->encoding == ELFDATA2MSB);
    facts->machine = half(start + EI_NIDENT + 2, facts->encoding == ELFDATA2MSB);
    return ELF_READ;
}

/* The bytes of a range, owned by `elf`; NULL: it does not lie within the file. */
static const Elf_Data *bytes(Elf *elf, struct range range, Elf_Type type)
{
    Elf_Data *data = range.size > 0 ? elf_getdata_rawchunk(elf, range.offset, range.size, type) : NULL;
    return data != NULL && data->d_buf != NULL && data->d_size >= range.size ? data : NULL;
}

static bool read_interpreter(Elf *elf, const GElf_Phdr *header, struct elf_facts *facts)
{
    if (header->p_filesz < 2 || header->p_filesz > sizeof facts->interpreter)
        return false;
    struct range range = {(int64_t)header->p_offset, header->p_filesz};
    const Elf_Data *data = bytes(elf, range, ELF_T_BYTE);
    if (data == NULL)
        return false;
    const char *text = data->d_buf;
    /* As the kernel: the text ends with the segment. */
    if (text[range.size - 1] != '\0' || text[0] == '\0')
        return false;
    snprintf(facts->interpreter, sizeof facts->interpreter, "%s", text);
    return true;
}

/* Where in the file the loaded address `address` stands. */
static bool find_address(Elf *elf, size_t headers, uint64_t address, uint64_t size, struct range *range)
{
    for (size_t i = 0; i < headers; i++) {
        GElf_Phdr header;
        if (gelf_getphdr(elf, (int)i, &header) == NULL || header.p_type != PT_LOAD)
            continue;
        if (address < header.p_vaddr || address - header.p_vaddr >= header.p_filesz)
            continue;
        uint64_t skip = address - header.p_vaddr;
        uint64_t left = header.p_filesz - skip;
        if (header.p_offset > INT64_MAX - skip)
            return false;
        range->offset = (int64_t)(header.p_offset + skip);
        range->size = (size_t)(size < left ? size : left);
        return true;
    }
    return false;
}

/* DT_SONAME, and whether the strings of the dynamic section name GLIBC_PRIVATE. */
static void read_strings(Elf *elf, struct range strings, uint64_t soname, struct elf_facts *facts)
{
    static const char private_version[] = "GLIBC_PRIVATE";
    if (strings.size > STRINGS_MAX)
        return;
    const Elf_Data *data = bytes(elf, strings, ELF_T_BYTE);
    if (data == NULL)
        return;
    const char *text = data->d_buf;
    facts->glibc = memmem(text, strings.size, private_version, sizeof private_version) != NULL;
    if (soname < strings.size && memchr(text + soname, '\0', strings.size - soname) != NULL)
        snprintf(facts->soname, sizeof facts->soname, "%s", text + soname);
}

static void read_dynamic(Elf *elf, size_t headers, const GElf_Phdr *header, struct elf_facts *facts)
{
    if (header->p_filesz > DYNAMIC_MAX)
        return;
    size_t entry = gelf_fsize(elf, ELF_T_DYN, 1, EV_CURRENT);
    size_t count = entry > 0 ? header->p_filesz / entry : 0;
    struct range range = {(int64_t)header->p_offset, count * entry};
    const Elf_Data *data = bytes(elf, range, ELF_T_DYN);
    if (data == NULL)
        return;
    uint64_t strings = 0;
    uint64_t strings_size = 0;
    uint64_t soname = UINT64_MAX;
    for (size_t i = 0; i < count; i++) {
        GElf_Dyn dynamic;
        if (gelf_getdyn((Elf_Data *)data, (int)i, &dynamic) == NULL || dynamic.d_tag == DT_NULL)
            break;
        if (dynamic.d_tag == DT_STRTAB)
            strings = dynamic.d_un.d_ptr;
        else if (dynamic.d_tag == DT_STRSZ)
            strings_size = dynamic.d_un.d_val;
        else if (dynamic.d_tag == DT_SONAME)
            soname = dynamic.d_un.d_val;
    }
    if (find_address(elf, headers, strings, strings_size, &range))
        read_strings(elf, range, soname, facts);
}

/*
 * The names are taken from the raw bytes: elf_strptr() would inflate a section that calls itself compressed,
 * to whatever size it claims.
 */
static bool has_go_sections(Elf *elf)
{
    static const char *const names[] = {".go.buildinfo", ".note.go.buildid", ".gopclntab"};
    size_t index;
    GElf_Shdr header;
    if (elf_getshdrstrndx(elf, &index) != 0)
        return false;
    Elf_Scn *section = elf_getscn(elf, index);
    if (section == NULL || gelf_getshdr(section, &header) == NULL || header.sh_size > SECTION_NAMES_MAX)
        return false;
    struct range range = {(int64_t)header.sh_offset, header.sh_size};
    const Elf_Data *data = bytes(elf, range, ELF_T_BYTE);
    if (data == NULL)
        return false;
    const char *text = data->d_buf;
    for (section = NULL; (section = elf_nextscn(elf, section)) != NULL;) {
        if (gelf_getshdr(section, &header) == NULL || header.sh_name >= range.size)
            continue;
        size_t left = range.size - header.sh_name;
        for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
            size_t length = strlen(names[i]) + 1;
            if (length <= left && memcmp(text + header.sh_name, names[i], length) == 0)
                return true;
        }
    }
    return false;
}

static const char *read_segments(Elf *elf, struct elf_facts *facts)
{
    size_t headers;
    if (elf_getphdrnum(elf, &headers) != 0)
        return elf_errmsg(-1);
    if (headers == 0 || headers > HEADERS_MAX)
        return "it has no program headers that the kernel would take";
    for (size_t i = 0; i < headers; i++) {
        GElf_Phdr header;
        if (gelf_getphdr(elf, (int)i, &header) == NULL)
            return "its program headers are cut off";
        /* The kernel takes the first. */
        if (header.p_type == PT_INTERP && facts->interpreter[0] == '\0') {
            if (!read_interpreter(elf, &header, facts))
                return "the name of its loader cannot be read";
        } else if (header.p_type == PT_DYNAMIC) {
            read_dynamic(elf, headers, &header, facts);
        }
    }
    return NULL;
}

enum elf_outcome elf_read(int fd, struct elf_facts *facts, char *why, size_t size)
{
    memset(facts, 0, sizeof *facts);
    enum elf_outcome outcome = read_start(fd, facts, why, size);
    if (outcome != ELF_READ)
        return outcome;
    elf_version(EV_CURRENT);
    Elf *elf = elf_begin(fd, ELF_C_READ, NULL);
    if (elf == NULL || elf_kind(elf) != ELF_K_ELF) {
        snprintf(why, size, "%s", elf == NULL ? elf_errmsg(-1) : "its ELF header is damaged");
        elf_end(elf);
        return ELF_BROKEN;
    }
    const char *fault = read_segments(elf, facts);
    if (fault == NULL)
        facts->go = has_go_sections(elf);
    else
        snprintf(why, size, "%s", fault);
    elf_end(elf);
    return fault == NULL ? ELF_READ : ELF_BROKEN;
}
