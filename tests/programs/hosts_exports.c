/*
 * A host with functions of its own by the names of those that are inside of the shared object: whoever calls
 * one of these from there has taken the host's for its own.
 */
#include <stdio.h>
#include <stdlib.h>

#define EXPORT(name)                                                                                         \
    void name(void);                                                                                         \
    void name(void)                                                                                          \
    {                                                                                                        \
        fputs(#name ": the host's was called\n", stderr);                                                    \
        abort();                                                                                             \
    }

/* libconfig */
EXPORT(config_init)
EXPORT(config_destroy)
EXPORT(config_read)
EXPORT(config_read_file)
EXPORT(config_read_string)
EXPORT(config_lookup)
EXPORT(config_root_setting)
EXPORT(config_setting_get_elem)
EXPORT(config_setting_get_member)
EXPORT(config_setting_get_string)
EXPORT(config_setting_length)
EXPORT(config_setting_lookup_string)
EXPORT(libconfig_yyparse)
EXPORT(libconfig_yylex_init_extra)
EXPORT(scanctx_init)
EXPORT(strbuf_append_char)

/* jansson */
EXPORT(json_array)
EXPORT(json_array_append_new)
EXPORT(json_delete)
EXPORT(json_dumps)
EXPORT(json_integer)
EXPORT(json_loads)
EXPORT(json_object)
EXPORT(json_object_seed)
EXPORT(json_object_set_new)
EXPORT(json_string)
EXPORT(jsonp_malloc)
EXPORT(jsonp_free)
EXPORT(hashtable_init)
EXPORT(utf8_iterate)

/* hiredis */
EXPORT(redisCommand)
EXPORT(redisConnect)
EXPORT(redisFree)
EXPORT(sdsfree)
EXPORT(sdsnew)

/* The project's own */
EXPORT(config_load)
EXPORT(event_raise)
EXPORT(notice)
EXPORT(policy_resolve)
EXPORT(process_policy)
EXPORT(process_lock)
EXPORT(verdict)
