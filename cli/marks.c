#include "cli/marks.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "cli/scan.h"
#include "cli/version.h"

/* What was seen in the file. */
enum {
    SIGNS_TLS13 = 1 << 0,
    CLIENT_FINISHED = 1 << 1,
    SERVER_FINISHED = 1 << 2,
    KEY_EXPANSION = 1 << 3,
    BORINGSSL = 1 << 4,
    AWS_LC = 1 << 5,
    RUSTLS = 1 << 6,
    GO = 1 << 7,
};

#define LABELS (CLIENT_FINISHED | SERVER_FINISHED | KEY_EXPANSION)
#define ALL    (~0U)

struct search {
    unsigned wanted;
    unsigned seen;
    char *libssl; /* MARKS_NAME_SIZE bytes */
};

/* The text of a mark was found. */
struct candidate {
    const char *behind; /* it */
    size_t left;        /* bytes from there to the end of the piece */
    size_t position;    /* of the mark, in the file */
};

struct mark {
    const char *first;
    const char *second;
    unsigned means;
    /* NULL: wherever it stands. */
    bool (*confirm)(const struct candidate *candidate, struct search *search);
};

/* Go's linker aligns its build information to 16 bytes. */
static bool is_go(const struct candidate *candidate, struct search *search)
{
    (void)search;
    return candidate->position % 16 == 0;
}

/*
 * The path of a source file, which stands in the texts of panics: "rustls-0.20.8/src/". Other packages have
 * names that begin so, but go on with a letter.
 */
static bool is_rustls(const struct candidate *candidate, struct search *search)
{
    static const char source[] = "/src/";
    const char *text = candidate->behind;
    size_t length = 0;
    (void)search;
    while (length < candidate->left && length < SCAN_OVERLAP / 2 && text[length] != '/')
        length++;
    return candidate->left > 0 && isdigit((unsigned char)text[0]) != 0 &&
           scan_stands(text + length, candidate->left - length, source);
}

/* A whole text: something to give to dlopen(3). */
static bool is_libssl(const struct candidate *candidate, struct search *search)
{
    static const char base[] = "libssl.so.";
    size_t length = 0;
    const char *text = candidate->behind;
    while (length < candidate->left && length < 8 &&
           (isdigit((unsigned char)text[length]) != 0 || text[length] == '.'))
        length++;
    bool whole = length > 0 && length < candidate->left && text[length] == '\0';
    if (whole && search->libssl[0] == '\0')
        snprintf(search->libssl, MARKS_NAME_SIZE, "%s%.*s", base, (int)length, text);
    return false;
}

/*
 * In two parts, so that this command does not find itself.
 *
 * TLS 1.3 signs its handshake after one of two fixed texts (RFC 8446, 4.4.3): whoever speaks it holds them.
 * TLS 1.2 and earlier hash fixed labels (RFC 5246, 6.3 and 7.4.9). One of these may be in a program for
 * another reason, so all are needed.
 */
static const struct mark known[] = {
    {"TLS 1.3, ", "client CertificateVerify", SIGNS_TLS13, NULL},
    {"TLS 1.3, ", "server CertificateVerify", SIGNS_TLS13, NULL},
    {"client ", "finished", CLIENT_FINISHED, NULL},
    {"server ", "finished", SERVER_FINISHED, NULL},
    {"key ", "expansion", KEY_EXPANSION, NULL},
    {"Boring", "SSL", BORINGSSL, NULL},
    {"AWS-", "LC", AWS_LC, NULL},
    {"/rust", "ls-", RUSTLS, is_rustls},
    {"\xff Go ", "buildinf:", GO, is_go},
    {"libssl", ".so.", 0, is_libssl},
};

static void look_for(const struct mark *mark, const char *piece, size_t size, size_t before,
                     struct search *search)
{
    const char *end = piece + size;
    /* memmem() is the faster the longer the text is. */
    char text[SCAN_OVERLAP];
    size_t length = (size_t)snprintf(text, sizeof text, "%s%s", mark->first, mark->second);
    for (const char *at = piece; (at = memmem(at, (size_t)(end - at), text, length)) != NULL; at++) {
        size_t left = (size_t)(end - at) - length;
        struct candidate candidate = {at + length, left, before + (size_t)(at - piece)};
        if (mark->confirm == NULL || mark->confirm(&candidate, search))
            search->seen |= mark->means;
    }
}

static bool look(void *context, const char *piece, size_t size, size_t before)
{
    struct search *search = context;
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        if (search->wanted == ALL || (search->wanted & ~search->seen & known[i].means) != 0)
            look_for(&known[i], piece, size, before, search);
    }
    return true;
}

/* rustls first: it is linked with the cryptography of another. */
static void name_implementation(int fd, unsigned seen, char name[MARKS_NAME_SIZE])
{
    char version[VERSION_SIZE];
    version_find(fd, version);
    if ((seen & RUSTLS) != 0)
        snprintf(name, MARKS_NAME_SIZE, "rustls");
    else if (version[0] != '\0')
        snprintf(name, MARKS_NAME_SIZE, "OpenSSL %s", version);
    else if ((seen & (BORINGSSL | AWS_LC)) != 0)
        snprintf(name, MARKS_NAME_SIZE, "%s", (seen & AWS_LC) != 0 ? "AWS-LC" : "BoringSSL");
    else
        snprintf(name, MARKS_NAME_SIZE, "which cannot be told");
}

static bool find(int fd, unsigned wanted, struct marks *marks, unsigned *seen)
{
    memset(marks, 0, sizeof *marks);
    struct search search = {.wanted = wanted, .libssl = marks->libssl};
    if (!scan_file(fd, look, &search))
        return false;
    marks->go = (search.seen & GO) != 0;
    marks->certain = (search.seen & (SIGNS_TLS13 | RUSTLS)) != 0;
    marks->tls = marks->certain || (search.seen & LABELS) == LABELS;
    *seen = search.seen;
    return true;
}

bool marks_find(int fd, struct marks *marks)
{
    unsigned seen;
    if (!find(fd, ALL, marks, &seen))
        return false;
    if (marks->tls)
        name_implementation(fd, seen, marks->implementation);
    return true;
}

/* Hardly any library holds the first label, so most are read once, for three texts. */
bool marks_find_tls(int fd, struct marks *marks)
{
    unsigned seen;
    if (!find(fd, SIGNS_TLS13 | RUSTLS | KEY_EXPANSION, marks, &seen))
        return false;
    return marks->certain || (seen & KEY_EXPANSION) == 0 || find(fd, LABELS, marks, &seen);
}
