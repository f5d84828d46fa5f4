#include "config/plain_texts.h"

#include <string.h>

#include "config/guarded.h"

static char *append(char *to, const char *from, size_t length)
{
    memcpy(to, from, length);
    return to + length;
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

/* Does another text follow, so that libconfig makes one of the two? */
static bool goes_on(const char *at, const char *end)
{
    while (at < end && (is_blank(*at) || *at == '\n' || *at == '\r' || *at == '\f'))
        at++;
    return at < end && *at == '"';
}

/* From behind the opening quote. NULL: the text is not plain. */
static const char *closing_quote(const char *at, const char *end)
{
    const char *quote = memchr(at, '"', (size_t)(end - at));
    return quote == NULL || goes_on(quote + 1, end) ? NULL : quote;
}

/* A blank behind it keeps nothing apart. */
static bool stands_alone(char c)
{
    return c == '{' || c == '=' || c == ';' || c == ',' || c == '"' || c == '\n' || c == '(';
}

static char *copy_line_ends(char *to, const char *at, const char *end)
{
    while ((at = memchr(at, '\n', (size_t)(end - at))) != NULL) {
        *to++ = '\n';
        at++;
    }
    return to;
}

/* False: there is something in it that is not plain. `*copy_end`: of the copy. */
static bool copy_without(const char *from, const char *end, char *to, char *texts_to, size_t *count,
                         char **copy_end)
{
    char before = '{'; /* a piece begins with one */
    while (from < end) {
        if (*from == '#' || *from == '/')
            return false;
        char c = *from++;
        if (!is_blank(c) || !stands_alone(before))
            *to++ = before = c;
        if (c != '"')
            continue;
        const char *quote = closing_quote(from, end);
        if (quote == NULL)
            return false;
        texts_to = append(texts_to, from, (size_t)(quote - from));
        *texts_to++ = '\0';
        ++*count;
        to = copy_line_ends(to, from, quote);
        *to++ = '"';
        from = quote + 1;
    }
    *copy_end = to;
    return true;
}

char *plain_texts_take_out(const char *from, size_t length, char *to, char *texts_to,
                           struct plain_texts *texts)
{
    *texts = (struct plain_texts){.first = texts_to};
    char *end;
    if (memchr(from, '\\', length) == NULL &&
        copy_without(from, from + length, to, texts_to, &texts->count, &end))
        return end;
    texts->first = NULL;
    return append(to, from, length);
}

/* Recursion is bounded by FLAT_NESTING_MAX. */
static bool put_back(struct plain_texts *left, const config_setting_t *setting)
{
    for (int i = 0; i < config_setting_length(setting); i++) {
        config_setting_t *element = config_setting_get_elem(setting, (unsigned)i);
        if (config_setting_type(element) != CONFIG_TYPE_STRING) {
            if (!put_back(left, element))
                return false;
            continue;
        }
        if (left->count == 0)
            return false;
        /* Not config_setting_set_string(), which would copy it. Nobody frees it: it is an arena's. */
        element->value.sval = (char *)left->first;
        left->first += strlen(left->first) + 1;
        left->count--;
    }
    return true;
}

bool plain_texts_put_back(const struct plain_texts *texts, const config_setting_t *list)
{
    struct plain_texts left = *texts;
    return texts->first == NULL || (put_back(&left, list) && left.count == 0);
}

const char *plain_texts_parse(struct arena *arena, const struct plain_source *source, config_t *config,
                              unsigned *line)
{
    struct plain_texts texts;
    size_t head = strlen(source->head);
    size_t tail = strlen(source->tail) + 1;
    char *text = arena_alloc(arena, head + source->length + tail);
    char *texts_to = arena_alloc(arena, source->length);
    if (text == NULL || texts_to == NULL)
        return "needs more memory than there is";
    char *to = append(text, source->head, head);
    to = plain_texts_take_out(source->text, source->length, to, texts_to, &texts);
    append(to, source->tail, tail);
    const char *fault = guarded_parse(arena, text, config, line);
    if (fault == NULL && !plain_texts_put_back(&texts, config_root_setting(config)))
        fault = "cannot be parsed";
    return fault;
}
