#include "policy/record_pem.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char begin_mark[] = "-----BEGIN ";
static const char end_mark[] = "-----END ";
static const char dashes[] = "-----";
static const char byte_order_mark[] = "\xef\xbb\xbf"; /* some editors put it in front of a text */

/* A line without its end, and without spaces before that. */
struct line {
    const char *text;
    size_t length;
};

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\r';
}

static bool next_line(struct pem_text *text, struct line *line)
{
    if (text->at == text->end)
        return false;
    const char *newline = memchr(text->at, '\n', (size_t)(text->end - text->at));
    const char *stop = newline == NULL ? text->end : newline;
    line->text = text->at;
    line->length = (size_t)(stop - text->at);
    while (line->length > 0 && is_space(line->text[line->length - 1]))
        line->length--;
    text->at = newline == NULL ? text->end : newline + 1;
    text->line++;
    return true;
}

static bool begins(const struct line *line, const char *with)
{
    size_t length = strlen(with);
    return line->length >= length && memcmp(line->text, with, length) == 0;
}

/* Cut where it does not fit: it is longer then than any that is known. */
static void copy(char *out, size_t size, const char *text, size_t length)
{
    snprintf(out, size, "%.*s", (int)(length < size ? length : size), text);
}

/* Is it `mark`, a label and dashes? */
static bool is_boundary(const struct line *line, const char *mark, char label[PEM_LABEL_SIZE])
{
    size_t before = strlen(mark);
    size_t around = before + strlen(dashes);
    if (!begins(line, mark) || line->length < around ||
        memcmp(line->text + line->length - strlen(dashes), dashes, strlen(dashes)) != 0)
        return false;
    copy(label, PEM_LABEL_SIZE, line->text + before, line->length - around);
    return true;
}

/* The value of a header, if `line` is the one of this name. */
static bool header_value(const struct line *line, const char *name, char *value, size_t size)
{
    if (!begins(line, name))
        return false;
    size_t at = strlen(name);
    while (at < line->length && is_space(line->text[at]))
        at++;
    copy(value, size, line->text + at, line->length - at);
    return true;
}

static void read_header(const struct line *line, struct pem_block *block)
{
    char type[sizeof "4,ENCRYPTED" + 1];
    if (header_value(line, "Proc-Type:", type, sizeof type))
        block->is_encrypted = strcmp(type, "4,ENCRYPTED") == 0;
    else
        header_value(line, "DEK-Info:", block->dek_info, sizeof block->dek_info);
}

/* What follows a BEGIN, up to its END. */
static enum pem_result read_block(struct pem_text *text, struct pem_block *block)
{
    struct line line;
    char label[PEM_LABEL_SIZE];
    bool in_headers = true;
    block->body = text->at;
    while (next_line(text, &line)) {
        if (begins(&line, begin_mark))
            return PEM_BROKEN;
        if (begins(&line, end_mark)) {
            bool same = is_boundary(&line, end_mark, label) && strcmp(label, block->label) == 0;
            block->body_length = (size_t)(line.text - block->body);
            return same ? PEM_BLOCK : PEM_BROKEN;
        }
        if (in_headers && line.length > 0 && memchr(line.text, ':', line.length) != NULL) {
            read_header(&line, block);
            block->body = text->at;
        } else {
            in_headers = false;
        }
    }
    return PEM_BROKEN;
}

void pem_begin(struct pem_text *text, const char *data, size_t length)
{
    size_t mark = strlen(byte_order_mark);
    size_t skipped = length >= mark && memcmp(data, byte_order_mark, mark) == 0 ? mark : 0;
    *text = (struct pem_text){data + skipped, data + length, 1};
}

enum pem_result pem_next(struct pem_text *text, struct pem_block *block)
{
    struct line line;
    memset(block, 0, sizeof *block);
    block->line = text->line;
    while (next_line(text, &line)) {
        if (is_boundary(&line, begin_mark, block->label))
            return read_block(text, block);
        block->line = text->line;
    }
    return PEM_END;
}

/* Digits of base64, gathered from the lines of a body; secret. */
struct digits {
    unsigned char group[64];
    size_t count;
    size_t padding; /* of '=', which end the data */
};

/* Decodes what was gathered behind `out`, and says how many bytes that is; 0: it is not base64. */
static size_t decode_group(const struct ossl *ossl, struct digits *digits, unsigned char *out)
{
    int length = ossl->EVP_DecodeBlock(out, digits->group, (int)digits->count);
    bool is_whole = length > 0 && (size_t)length == digits->count / 4 * 3;
    digits->count = 0;
    return is_whole ? (size_t)length : 0;
}

static bool is_base64(char c)
{
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '+' || c == '/';
}

/* False: it is not base64. */
static bool decode_body(const struct ossl *ossl, const struct pem_block *block, struct digits *digits,
                        unsigned char *out, size_t *length)
{
    for (size_t i = 0; i < block->body_length; i++) {
        char c = block->body[i];
        if (c == '\n' || is_space(c))
            continue;
        if (c == '=' ? ++digits->padding > 2 : !is_base64(c) || digits->padding > 0)
            return false;
        digits->group[digits->count++] = (unsigned char)c;
        if (digits->count < sizeof digits->group)
            continue;
        size_t more = decode_group(ossl, digits, out + *length);
        if (more == 0)
            return false;
        *length += more;
    }
    if (digits->count > 0) {
        size_t more = digits->count % 4 == 0 ? decode_group(ossl, digits, out + *length) : 0;
        if (more == 0)
            return false;
        *length += more;
    }
    if (*length <= digits->padding)
        return false;
    *length -= digits->padding;
    return true;
}

enum pem_decoded pem_decode(const struct ossl *ossl, const struct pem_block *block, unsigned char **data,
                            size_t *length)
{
    struct digits digits = {.count = 0};
    size_t capacity = block->body_length / 4 * 3 + 4;
    *length = 0;
    *data = malloc(capacity);
    if (*data == NULL)
        return PEM_NO_MEMORY;
    bool done = decode_body(ossl, block, &digits, *data, length);
    ossl->OPENSSL_cleanse(&digits, sizeof digits);
    if (done)
        return PEM_DECODED;
    ossl->OPENSSL_cleanse(*data, capacity);
    free(*data);
    *data = NULL;
    *length = 0;
    return PEM_NOT_BASE64;
}

bool pem_is_private_key(const struct pem_block *block)
{
    static const char ending[] = "PRIVATE KEY";
    size_t length = strlen(block->label);
    return length >= strlen(ending) && strcmp(block->label + length - strlen(ending), ending) == 0;
}

enum { LINE_BYTES = 48 }; /* 64 digits of base64 */

size_t pem_block_size(const char *label, size_t length)
{
    size_t lines = (length + LINE_BYTES - 1) / LINE_BYTES;
    return 1 + strlen(begin_mark) + strlen(end_mark) + 2 * (strlen(label) + strlen(dashes) + 1) + lines * 65;
}

char *pem_write(const struct ossl *ossl, char *out, const char *label, const char *headers,
                const unsigned char *data, size_t length)
{
    out += sprintf(out, "%s%s%s\n%s", begin_mark, label, dashes, headers);
    for (size_t at = 0; at < length; at += LINE_BYTES) {
        size_t count = length - at < LINE_BYTES ? length - at : LINE_BYTES;
        out += ossl->EVP_EncodeBlock((unsigned char *)out, data + at, (int)count);
        *out++ = '\n';
    }
    return out + sprintf(out, "%s%s%s\n", end_mark, label, dashes);
}
