/* hiredis' reader, with objects of our own, which are made only within bounds. */
#include "policy/store_redis_reply.h"

#include <hiredis/hiredis.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "policy/record.h"

enum {
    REPLY_BYTES_MAX = RECORD_TEXT_MAX + 64, /* with what frames a text */
    OBJECTS_MAX = 1 << 16,                  /* in one reply */
};

struct redis_parser {
    redisReader *reader;
    bool is_too_long;
    bool is_refused;
    size_t objects; /* of the reply that is being parsed */
    size_t bytes;   /* that were fed since it began */
    char entry_id[REDIS_ENTRY_ID_SIZE];
};

void redis_reply_free(struct redis_reply *reply)
{
    if (reply == NULL)
        return;
    for (size_t i = 0; i < reply->count; i++)
        redis_reply_free(reply->elements[i]);
    free(reply->elements);
    if (reply->text != NULL)
        explicit_bzero(reply->text, reply->length); /* it may be a private key */
    free(reply->text);
    free(reply);
}

/* For hiredis. */
static void free_object(void *object)
{
    redis_reply_free(object);
}

static void *refuse(struct redis_parser *parser)
{
    parser->is_refused = true;
    return NULL;
}

/* A new object in its place in the reply. NULL: refused, or memory is short; hiredis then ends. */
static struct redis_reply *new_object(const redisReadTask *task, enum redis_type type)
{
    struct redis_parser *parser = task->privdata;
    struct redis_reply *parent = task->parent == NULL ? NULL : task->parent->obj;
    if (++parser->objects > OBJECTS_MAX || (parent != NULL && (size_t)task->idx >= parent->count))
        return refuse(parser);
    struct redis_reply *object = calloc(1, sizeof *object);
    if (object == NULL)
        return NULL;
    object->type = type;
    if (parent != NULL)
        parent->elements[task->idx] = object;
    return object;
}

static int depth_of(const redisReadTask *task)
{
    int depth = 0;
    for (const redisReadTask *parent = task->parent; parent != NULL; parent = parent->parent)
        depth++;
    return depth;
}

/* [[KEY, [[ID, [FIELD, VALUE, ...]], ...]]]: ids come first in arrays that are this deep, and nothing else.
 */
static void note_entry_id(struct redis_parser *parser, const redisReadTask *task, const char *text)
{
    enum { ID_DEPTH = 4 };
    if (task->idx == 0 && depth_of(task) == ID_DEPTH)
        snprintf(parser->entry_id, sizeof parser->entry_id, "%s", text);
}

static void *create_text(const redisReadTask *task, char *bytes, size_t length)
{
    struct redis_parser *parser = task->privdata;
    enum redis_type type = task->type == REDIS_REPLY_STATUS  ? REDIS_IS_STATUS
                           : task->type == REDIS_REPLY_ERROR ? REDIS_IS_ERROR
                                                             : REDIS_IS_TEXT;
    if (type == REDIS_IS_TEXT && task->type != REDIS_REPLY_STRING)
        return refuse(parser);
    if (length > RECORD_TEXT_MAX) {
        parser->is_too_long = true;
        return NULL;
    }
    char *text = malloc(length + 1);
    struct redis_reply *object = text == NULL ? NULL : new_object(task, type);
    if (object == NULL) {
        free(text);
        return NULL;
    }
    memcpy(text, bytes, length);
    text[length] = '\0';
    object->text = text;
    object->length = length;
    note_entry_id(parser, task, text);
    return object;
}

#if HIREDIS_MAJOR >= 1
typedef size_t element_count;
#else
typedef int element_count;
#endif

static void *create_array(const redisReadTask *task, element_count count)
{
    struct redis_parser *parser = task->privdata;
    if (task->type != REDIS_REPLY_ARRAY || depth_of(task) >= REDIS_DEPTH_MAX || count < 0 ||
        (size_t)count > OBJECTS_MAX - parser->objects)
        return refuse(parser);
    struct redis_reply **elements = NULL;
    if (count > 0 && (elements = calloc((size_t)count, sizeof(void *))) == NULL)
        return NULL;
    struct redis_reply *object = new_object(task, REDIS_IS_ARRAY);
    if (object == NULL) {
        free(elements);
        return NULL;
    }
    object->elements = elements;
    object->count = (size_t)count;
    return object;
}

static void *create_integer(const redisReadTask *task, long long value)
{
    struct redis_reply *object = new_object(task, REDIS_IS_INTEGER);
    if (object != NULL)
        object->integer = value;
    return object;
}

static void *create_nil(const redisReadTask *task)
{
    return new_object(task, REDIS_IS_NIL);
}

#if HIREDIS_MAJOR >= 1
/* What RESP3 has more is never asked for. */
static void *refuse_double(const redisReadTask *task, double value, char *text, size_t length)
{
    (void)value, (void)text, (void)length;
    return refuse(task->privdata);
}

static void *refuse_bool(const redisReadTask *task, int value)
{
    (void)value;
    return refuse(task->privdata);
}
#endif

static redisReplyObjectFunctions functions = {
    .createString = create_text,
    .createArray = create_array,
    .createInteger = create_integer,
    .createNil = create_nil,
#if HIREDIS_MAJOR >= 1
    .createDouble = refuse_double,
    .createBool = refuse_bool,
#endif
    .freeObject = free_object,
};

struct redis_parser *redis_parser_new(void)
{
    struct redis_parser *parser = calloc(1, sizeof *parser);
    if (parser == NULL)
        return NULL;
    parser->reader = redisReaderCreateWithFunctions(&functions);
    if (parser->reader == NULL) {
        free(parser);
        return NULL;
    }
    parser->reader->privdata = parser;
    parser->reader->maxbuf = 0; /* else it makes its buffer anew, and ends the process where it cannot */
    return parser;
}

void redis_parser_free(struct redis_parser *parser)
{
    if (parser == NULL)
        return;
    redisReaderFree(parser->reader);
    free(parser);
}

bool redis_parser_feed(struct redis_parser *parser, const char *bytes, size_t length)
{
    parser->bytes += length;
    return redisReaderFeed(parser->reader, bytes, length) == REDIS_OK;
}

static enum redis_parsed why_not(const struct redis_parser *parser)
{
    if (parser->is_too_long)
        return REDIS_TOO_LONG;
    if (parser->is_refused || parser->reader->err != REDIS_ERR_OOM)
        return REDIS_NONSENSE;
    return REDIS_NO_MEMORY;
}

enum redis_parsed redis_parser_next(struct redis_parser *parser, struct redis_reply **reply)
{
    void *object = NULL;
    if (redisReaderGetReply(parser->reader, &object) != REDIS_OK)
        return why_not(parser);
    if (object == NULL)
        return parser->bytes > REPLY_BYTES_MAX ? REDIS_TOO_LONG : REDIS_MORE;
    parser->bytes = parser->reader->len - parser->reader->pos;
    parser->objects = 0;
    parser->entry_id[0] = '\0';
    *reply = object;
    return REDIS_PARSED;
}

bool redis_parser_is_amid(const struct redis_parser *parser)
{
    return parser->bytes > 0;
}

const char *redis_parser_entry_id(const struct redis_parser *parser)
{
    return parser->entry_id;
}
