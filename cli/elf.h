/*
 * What an ELF file tells about itself. The file may be truncated or hostile: everything is read through
 * bounds, nothing is mapped, and nothing of it is executed.
 */
#ifndef TLSGRAFT_ELF_H
#define TLSGRAFT_ELF_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { ELF_NAME_SIZE = 256 };

struct elf_facts {
    /* From the first bytes, and true even where the rest is damaged. */
    unsigned char elf_class; /* ELFCLASS32, ELFCLASS64 */
    unsigned char encoding;  /* ELFDATA2LSB, ELFDATA2MSB */
    uint16_t type;           /* ET_EXEC, ET_DYN, ... */
    uint16_t machine;        /* EM_X86_64, ... */

    char interpreter[PATH_MAX]; /* PT_INTERP: the loader; empty: none, so static */
    char soname[ELF_NAME_SIZE]; /* DT_SONAME; empty: none */
    bool glibc;                 /* defines or needs symbols of version GLIBC_PRIVATE, as glibc's parts do */
    bool go;                    /* has the sections that Go's linker writes */
};

enum elf_outcome {
    ELF_READ,
    ELF_OTHER,  /* no ELF file at all: a script, say */
    ELF_BROKEN, /* it starts as one, but cannot be used; `why` tells, the first four facts hold */
    ELF_FAILED, /* it could not be read; errno tells */
};

/* Reads the facts from the file open as `fd`. `why` is written for ELF_BROKEN only. */
enum elf_outcome elf_read(int fd, struct elf_facts *facts, char *why, size_t size);

#endif
