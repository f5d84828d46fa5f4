#include "tests/unit/record_support.h"

#include <criterion/criterion.h>
#include <dlfcn.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/support.h"

static struct content read_all(FILE *file)
{
    struct content content = {malloc(RECORD_TEXT_MAX), 0};
    cr_assert(file != NULL && content.text != NULL);
    content.length = fread(content.text, 1, RECORD_TEXT_MAX - 1, file);
    content.text[content.length] = '\0';
    return content;
}

struct content shell(const char *format, ...)
{
    char command[2048];
    char line[2304];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(command, sizeof command, format, arguments);
    va_end(arguments);
    snprintf(line, sizeof line, "cd %s && { %s; } 2>errors", directory.path, command);
    FILE *pipe = popen(line, "r"); /* NOLINT(cert-env33-c): the commands are the tests' own */
    struct content content = read_all(pipe);
    cr_assert_eq(pclose(pipe), 0, "%s", command);
    return content;
}

struct content joined(const char *first, ...)
{
    struct content content = {calloc(1, 1), 0};
    va_list texts;
    va_start(texts, first);
    for (const char *text = first; text != NULL; text = va_arg(texts, const char *)) {
        size_t length = strlen(text);
        content.text = realloc(content.text, content.length + length + 1);
        cr_assert_not_null(content.text);
        memcpy(content.text + content.length, text, length + 1);
        content.length += length;
    }
    va_end(texts);
    return content;
}

struct content vector_file(const char *name)
{
    char path[512];
    snprintf(path, sizeof path, "%s/%s", TLSGRAFT_VECTORS, name);
    FILE *file = fopen(path, "rb");
    struct content content = read_all(file);
    fclose(file);
    return content;
}

const char *vector_text(const json_t *vector, const char *key)
{
    return json_string_value(json_object_get(vector, key));
}

unsigned each_vector(const char *key, void (*visit)(const json_t *vector))
{
    unsigned count = 0;
    json_t *vectors = json_load_file(TLSGRAFT_VECTORS "/store.json", 0, NULL);
    for (size_t i = 0; i < json_array_size(vectors); i++) {
        const json_t *vector = json_array_get(vectors, i);
        if (vector_text(vector, key) == NULL)
            continue;
        visit(vector);
        count++;
    }
    json_decref(vectors);
    return count;
}

void *crypto_function(const char *name)
{
    static const char *const names[] = {"libcrypto.so.4", "libcrypto.so.3", "libcrypto.so.1.1"};
    void *library = NULL;
    for (size_t i = 0; library == NULL && i < sizeof names / sizeof *names; i++)
        library = dlopen(names[i], RTLD_NOW | RTLD_LOCAL);
    return library == NULL ? NULL : dlsym(library, name);
}

void iv_of(const char *dek_info, unsigned char iv[16])
{
    const char *hex = strchr(dek_info, ',') + 1;
    for (size_t i = 0; i < 16; i++) {
        const char digits[] = {hex[2 * i], hex[2 * i + 1], '\0'};
        iv[i] = (unsigned char)strtoul(digits, NULL, 16);
    }
}

struct secret secret_of(const char *text)
{
    return (struct secret){text, text == NULL ? 0 : strlen(text)};
}

struct record_input upload_of(struct content content)
{
    static const struct secret secret = {"s3cret", 6};
    return (struct record_input){.text = content.text,
                                 .length = content.length,
                                 .organisation = "org",
                                 .secret = &secret,
                                 .now = time(NULL),
                                 .name = "cert.pem"};
}

struct record_made made_of(const struct record_input *input)
{
    char why[RECORD_WHY_SIZE] = "";
    struct record_made made;
    cr_assert(record_make(crypto_table(), input, &made, why, sizeof why), "%s", why);
    return made;
}

struct record *record_of(const char *id, const char *text, size_t length)
{
    char why[RECORD_WHY_SIZE] = "";
    struct record *record = record_parse(crypto_table(), id, text, length, why, sizeof why);
    cr_assert_not_null(record, "%s", why);
    return record;
}

void record_fixture_make(void)
{
    fixture_make();
    shell("openssl ecparam -name prime256v1 -genkey -noout -out key.pem;"
          "openssl ecparam -name prime256v1 -genkey -noout -out other.key;"
          "openssl pkey -in key.pem -pubout -out pub.pem;"
          "openssl req -x509 -key key.pem -subj /CN=one -days 30 -out cert.pem;"
          "openssl req -x509 -key other.key -subj /CN=other -days 3000 -out other.pem");
}
