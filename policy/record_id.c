#include <string.h>

#include "policy/record.h"

const char *record_id_fault(const char *id)
{
    size_t length = strlen(id);
    if (length == 0)
        return "it is empty";
    if (length > RECORD_ID_MAX)
        return "it has more than 250 characters";
    if (id[0] == '.')
        return "it begins with a dot";
    if (strchr(id, '/') != NULL)
        return "it has a slash in it";
    if (strstr(id, "..") != NULL)
        return "it has '..' in it";
    for (const char *c = id; *c != '\0'; c++) {
        if ((unsigned char)*c < 0x20 || *c == 0x7f)
            return "it has a control character in it";
    }
    return NULL;
}
