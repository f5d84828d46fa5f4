#include "config/flatten.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "config/file.h"
#include "config/foreign.h"

/* One file that is being read, and by which it was included. */
struct open_file {
    const struct open_file *parent;
    const char *name;
    const char *at;   /* where we are in its text */
    const char *kept; /* up to where its text was passed on */
    const char *end;
    unsigned line;
    unsigned depth;
    dev_t device;
    ino_t inode;
};

struct flattener {
    struct arena *arena;
    struct watch *watch;
    struct flat_text *text;
    unsigned flat_line;
    unsigned includes;
    struct list_scan scan;
    unsigned settings[FLAT_NESTING_MAX + 1]; /* in each open group */
    const char *fault;                       /* NULL: none so far */
};

static void add_file(struct flattener *f, const struct open_file *parent, const char *name);

static void fail(struct flattener *f, const struct open_file *file, const char *fault)
{
    if (f->fault == NULL)
        f->fault = arena_printf(f->arena, "%s:%u: %s", file->name, file->line, fault);
    if (f->fault == NULL)
        f->fault = "not enough memory to read the policy";
}

static void emit(struct flattener *f, const struct open_file *file, const char *bytes, size_t length)
{
    struct flat_text *text = f->text;
    if (text->length + length > FLAT_BYTES_MAX) {
        fail(f, file, "the policy and its includes are larger than 16 MiB; that is the most allowed");
        return;
    }
    char *data = arena_grow(f->arena, text->data, text->length + length + 1);
    if (data == NULL) {
        fail(f, file, "there is not enough memory to read the policy");
        return;
    }
    text->data = data;
    memcpy(data + text->length, bytes, length);
    text->length += length;
    data[text->length] = '\0';
}

/* From the next line of the text on, lines are those of `file` from its current one on. */
static void add_segment(struct flattener *f, const struct open_file *file)
{
    struct flat_text *text = f->text;
    struct flat_segment *segments =
        arena_grow(f->arena, text->segments, (text->segment_count + 1) * sizeof *segments);
    if (segments == NULL) {
        fail(f, file, "there is not enough memory to read the policy");
        return;
    }
    text->segments = segments;
    segments[text->segment_count++] = (struct flat_segment){f->flat_line, file->name, file->line};
}

/* Steps over `length` bytes, which stay as they are. */
static void pass(struct flattener *f, struct open_file *file, size_t length)
{
    const char *end = file->at + length;
    const char *at = file->at;
    while ((at = memchr(at, '\n', (size_t)(end - at))) != NULL) {
        at++;
        file->line++;
        f->flat_line++;
    }
    file->at = end;
}

static size_t left(const struct open_file *file)
{
    return (size_t)(file->end - file->at);
}

static inline bool begins(const struct open_file *file, const char *word)
{
    size_t length = strlen(word);
    return left(file) >= length && memcmp(file->at, word, length) == 0;
}

static bool is_one_of(char c, const char *set)
{
    return c != '\0' && strchr(set, c) != NULL;
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* Not isalpha(3): that one obeys the host's locale. */
static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/*
 * Hands on all of a policy file that includes none: its text becomes the flat one, which has room for the
 * line end behind it. A policy may be large, and is held twice otherwise.
 */
static void adopt(struct flattener *f, const struct file_text *text)
{
    f->text->data = text->data;
    f->text->length = text->length;
}

/* Hands on what was stepped over. */
static void keep(struct flattener *f, struct open_file *file)
{
    emit(f, file, file->kept, (size_t)(file->at - file->kept));
    file->kept = file->at;
}

/* From the opening quote to the closing one. */
static void pass_string(struct flattener *f, struct open_file *file)
{
    const char *c = file->at + 1;
    for (c += strcspn(c, "\"\\"); c < file->end && *c != '"'; c += strcspn(c, "\"\\")) {
        if (*c != '\\' || c + 1 >= file->end) {
            c++;
            continue;
        }
        if ((c[1] == 'x' || c[1] == 'X') && file->end - c >= 4 && c[2] == '0' && c[3] == '0') {
            fail(f, file, "a NUL character (\\x00) in a text; no setting can hold one");
            return;
        }
        c += 2;
    }
    if (c >= file->end) {
        fail(f, file, "a text without its closing quote; write it at the end of the text");
        return;
    }
    list_scan_word(&f->scan);
    pass(f, file, (size_t)(c + 1 - file->at));
}

static void pass_comment(struct flattener *f, struct open_file *file)
{
    const char *end = NULL;
    if (begins(file, "/*")) {
        for (const char *c = file->at + 2; end == NULL && c + 1 < file->end; c++) {
            if (c[0] == '*' && c[1] == '/')
                end = c + 2;
        }
        if (end == NULL) {
            fail(f, file, "a comment without its closing */; write it at the end of the comment");
            return;
        }
    } else {
        end = memchr(file->at, '\n', left(file));
        if (end == NULL)
            end = file->end;
    }
    pass(f, file, (size_t)(end - file->at));
}

/* No setting needs more than 31 bits, and libconfig cuts what has more without a word. */
static void pass_number(struct flattener *f, struct open_file *file)
{
    const char *c = file->at + is_one_of(*file->at, "+-");
    bool hex = file->end - c > 2 && c[0] == '0' && is_one_of(c[1], "xX");
    uint64_t value = 0;
    if (hex)
        c += 2;
    for (; c < file->end; c++) {
        const char *digit = is_one_of(*c, "abcdef") ? "abcdef" : "ABCDEF";
        if (is_digit(*c))
            value = (hex ? 16 : 10) * value + (uint64_t)(*c - '0');
        else if (hex && is_one_of(*c, digit))
            value = 16 * value + 10 + (uint64_t)(strchr(digit, *c) - digit);
        else
            break;
        if (value > INT32_MAX) {
            fail(f, file, "a number larger than 2147483647; that is the most allowed");
            return;
        }
    }
    list_scan_word(&f->scan);
    file->at = c == file->at ? c + 1 : c;
}

static void pass_name(struct flattener *f, struct open_file *file)
{
    const char *c = file->at;
    while (c < file->end && (is_letter(*c) || is_digit(*c) || *c == '-' || *c == '_' || *c == '*'))
        c++;
    list_scan_word(&f->scan);
    file->at = c;
}

static void pass_punctuation(struct flattener *f, struct open_file *file)
{
    char c = *file->at;
    if ((unsigned char)c >= 0x80) {
        const char *words = foreign_words(f->arena, file->at, left(file));
        fail(f, file, words != NULL ? words : "a character that is not ASCII");
        return;
    }
    if (c == '{' || c == '(' || c == '[') {
        if (f->scan.depth == FLAT_NESTING_MAX) {
            fail(f, file, "groups and lists are nested more than 32 deep");
            return;
        }
        f->settings[f->scan.depth + 1] = 0;
    } else if (c == '}' || c == ')' || c == ']') {
        if (f->scan.depth == 0) {
            fail(f, file, "a closing bracket without its opening one; look for one that is closed twice");
            return;
        }
    } else if ((c == '=' || c == ':') && ++f->settings[f->scan.depth] > FLAT_SETTINGS_MAX) {
        fail(f, file, "more than 64 settings in one group; no group has that many names");
        return;
    }
    list_scan_character(&f->scan, c, f->text->length + (size_t)(file->at - file->kept), f->flat_line);
    pass(f, file, 1);
}

/* `@include "name"`, at the beginning of a line, as libconfig's scanner knows it. */
static void include(struct flattener *f, struct open_file *file, bool line_start)
{
    char name[1024];
    size_t length = 0;
    const char *c = file->at + strlen("@include");
    const char *slash = strrchr(file->name, '/');
    if (!line_start || !begins(file, "@include") || c >= file->end || !is_one_of(*c, " \t")) {
        fail(f, file,
             "an @ that begins no @include; allowed is @include \"name\" at the beginning of a line");
        return;
    }
    while (c < file->end && is_one_of(*c, " \t"))
        c++;
    if (c >= file->end || *c != '"') {
        fail(f, file, "an @include without a name; allowed is @include \"name\"");
        return;
    }
    for (c++; c < file->end && *c != '"'; c++) {
        if (*c == '\\' && c + 1 < file->end && is_one_of(c[1], "\\\""))
            c++;
        if (*c == '\n' || length + 1 >= sizeof name) {
            c = file->end;
            break;
        }
        name[length++] = *c;
    }
    name[length] = '\0';
    if (c >= file->end || length == 0) {
        fail(f, file, "an @include with a bad name; allowed is a path of up to 1023 characters in quotes");
        return;
    }
    int directory = name[0] == '/' || slash == NULL ? 0 : (int)(slash - file->name + 1);
    const char *path = arena_printf(f->arena, "%.*s%s", directory, file->name, name);
    if (path == NULL) {
        fail(f, file, "there is not enough memory to read the policy");
        return;
    }
    if (file->depth + 1 > FLAT_INCLUDE_DEPTH_MAX || ++f->includes > FLAT_INCLUDES_MAX) {
        fail(f, file, "too many includes; allowed are 8 within each other and 1000 in all");
        return;
    }
    keep(f, file);
    file->at = c + 1;
    file->kept = file->at;
    add_file(f, file, path);
    emit(f, file, "\n", 1);
    f->flat_line++;
    add_segment(f, file);
}

static void add_text(struct flattener *f, struct open_file *file)
{
    bool line_start = true; /* nothing but blanks on this line yet */
    while (f->fault == NULL && file->at < file->end) {
        char c = *file->at;
        bool blank = c == ' ' || c == '\t';
        if (blank)
            file->at++;
        else if (c == '"')
            pass_string(f, file);
        else if (c == '#' || begins(file, "//") || begins(file, "/*"))
            pass_comment(f, file);
        else if (c == '@')
            include(f, file, line_start);
        else if (is_digit(c) || c == '+' || c == '-')
            pass_number(f, file);
        else if (is_letter(c) || c == '*')
            pass_name(f, file);
        else
            pass_punctuation(f, file);
        line_start = c == '\n' || (blank && line_start);
    }
}

static void add_file(struct flattener *f, const struct open_file *parent, const char *name)
{
    struct file_text text;
    const char *why;
    enum file_result result = file_read(f->arena, f->watch, name, FLAT_BYTES_MAX, FILE_PUBLIC, &text, &why);
    if (result != FILE_READ) {
        const char *advice = result == FILE_UNREADABLE
                                 ? "; mend the path, which is relative to the file that "
                                   "includes it, or its permissions"
                                 : "";
        if (parent == NULL)
            f->fault = arena_printf(f->arena, "%s: the policy file %s", name, why);
        else
            f->fault = arena_printf(f->arena, "%s:%u: @include: %s %s%s", parent->name, parent->line, name,
                                    why, advice);
        if (f->fault == NULL)
            f->fault = "not enough memory to read the policy";
        return;
    }
    for (const struct open_file *outer = parent; outer != NULL; outer = outer->parent) {
        if (outer->device == text.device && outer->inode == text.inode) {
            fail(f, parent, "@include: the file includes itself; remove one of the includes");
            return;
        }
    }
    struct open_file file = {
        .parent = parent,
        .name = name,
        .at = text.data,
        .kept = text.data,
        .end = text.data + text.length,
        .line = 1,
        .depth = parent == NULL ? 0 : parent->depth + 1,
        .device = text.device,
        .inode = text.inode,
    };
    add_segment(f, &file);
    const char *nul = memchr(file.at, '\0', text.length);
    if (nul != NULL) {
        /* In a text or a comment too: libconfig would take it for the end, and what follows would count for
         * nothing. */
        pass(f, &file, (size_t)(nul - file.at));
        fail(f, &file, "a NUL byte; a policy is text");
        return;
    }
    add_text(f, &file);
    if (f->text->data == NULL && parent == NULL)
        adopt(f, &text);
    else
        keep(f, &file);
}

const char *flatten(struct arena *arena, struct watch *watch, const char *path, struct flat_text *text)
{
    struct flattener f = {.arena = arena, .watch = watch, .text = text, .flat_line = 1};
    f.scan = (struct list_scan){.arena = arena, .lists = &text->lists};
    const struct open_file whole = {.name = path, .line = 1};
    *text = (struct flat_text){0};
    add_file(&f, NULL, path);
    if (f.fault == NULL)
        emit(&f, &whole, "\n", 1); /* libconfig's scanner knows no comment at the very end of a text */
    if (f.scan.failed)
        fail(&f, &whole, "there is not enough memory to read the policy");
    if (f.scan.crossed || f.scan.depth > 0 || f.fault != NULL)
        text->lists.count = 0;
    return f.fault;
}

struct source flat_source(const struct flat_text *text, unsigned flat)
{
    size_t low = 0;
    size_t high = text->segment_count;
    while (high - low > 1) {
        size_t middle = low + (high - low) / 2;
        if (text->segments[middle].flat <= flat)
            low = middle;
        else
            high = middle;
    }
    const struct flat_segment *segment = &text->segments[low];
    return (struct source){segment->file, segment->line + (flat - segment->flat)};
}
