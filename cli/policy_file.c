#include "cli/policy_file.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/candidates.h"
#include "cli/ids.h"
#include "cli/message.h"
#include "config/config.h"
#include "policy/resolve.h"

/* Symbolic links stay: the file that they lead to may be exchanged on purpose. */
static bool make_absolute(char path[PATH_MAX], const char *given)
{
    char directory[PATH_MAX] = "";
    if (given[0] != '/' && (getcwd(directory, sizeof directory) == NULL || directory[0] != '/')) {
        message_error(
            "--policy: '%s' is relative, and the working directory is not known; give the whole path", given);
        return false;
    }
    const char *slash = given[0] == '/' ? "" : "/";
    if (snprintf(path, PATH_MAX, "%s%s%s", directory, slash, given) >= PATH_MAX) {
        message_error("--policy: the path is longer than %d bytes; use a shorter one", PATH_MAX - 1);
        return false;
    }
    return true;
}

bool policy_file_is_none(const char *option)
{
    bool named;
    const char *path = config_path(secure_getenv, &named);
    return option == NULL && !named && access(path, F_OK) != 0 && (errno == ENOENT || errno == ENOTDIR);
}

bool policy_file_choose(struct policy_file *file, const char *option)
{
    memset(file, 0, sizeof *file);
    if (option != NULL)
        return make_absolute(file->path, option);
    bool named;
    const char *path = config_path(secure_getenv, &named);
    if (path[0] != '/') {
        message_error("TLSGRAFT_POLICY: '%s' is not an absolute path; give the whole path, or use --policy",
                      path);
        return false;
    }
    if (snprintf(file->path, sizeof file->path, "%s", path) >= PATH_MAX) {
        message_error("TLSGRAFT_POLICY: the path is longer than %d bytes; use a shorter one", PATH_MAX - 1);
        return false;
    }
    if (!named && access(path, F_OK) != 0) {
        message_error(
            "no policy: --policy is not given, TLSGRAFT_POLICY is not set, and %s: %s; write a policy, "
            "and name it in one of these places",
            path, strerror(errno));
        return false;
    }
    return true;
}

static void tell(bool error, const char *text)
{
    if (error && text[0] == '/')
        message_plain(text);
    else if (error)
        message_error("%s", text);
    else
        message_warning("%s", text);
}

static void say(void *context, enum config_severity severity, const char *text)
{
    struct policy_file *file = context;
    tell(severity == CONFIG_ERROR || (severity == CONFIG_UNRESOLVED && file->strict), text);
    file->unresolved = file->unresolved || severity == CONFIG_UNRESOLVED;
}

static void say_of_id(void *context, bool store_failed, const char *text)
{
    struct policy_file *file = context;
    tell(file->strict, text);
    file->store_failed = file->store_failed || store_failed;
    file->unresolved = file->unresolved || !store_failed;
}

/* OpenSSL is fetched only where a key needs it: it would be most of the time that a start takes. */
static enum policy_file_outcome resolve(struct policy_file *file)
{
    struct policy *policy = file->policy;
    char why[4096] = "";
    bool names_records = file->asks_store && policy->records != NULL;
    bool names_candidates = file->asks_store && policy->candidate_count > 0;
    if (policy->pem_count == 0 && !names_records && !names_candidates)
        return POLICY_FILE_READ;
    file->no_libcrypto = !crypto_open(&file->crypto);
    if (file->no_libcrypto)
        return POLICY_FILE_NO_LIBCRYPTO;
    if (!policy_resolve(policy, &file->crypto.ossl, why, sizeof why)) {
        message_plain(why);
        return POLICY_FILE_INVALID;
    }
    if (names_records)
        ids_resolve(policy, &file->crypto.ossl, say_of_id, file);
    if (names_candidates && file->strict)
        candidates_check(policy, &file->crypto.ossl, file->store_failed, say_of_id, file);
    return POLICY_FILE_READ;
}

bool policy_file_without(struct policy_file *file)
{
    const struct config_report report = {say, file};
    memset(file, 0, sizeof *file);
    file->policy = config_defaults(secure_getenv, &report);
    return file->policy != NULL;
}

enum policy_file_outcome policy_file_read(struct policy_file *file)
{
    if (eaccess(file->path, R_OK) != 0) {
        message_error("%s: %s; name a policy file that can be read", file->path, strerror(errno));
        return POLICY_FILE_ABSENT;
    }
    const struct config_report report = {say, file};
    file->policy = config_load(file->path, secure_getenv, &report, NULL);
    if (file->policy == NULL)
        return POLICY_FILE_INVALID;
    enum policy_file_outcome outcome = resolve(file);
    if (outcome == POLICY_FILE_INVALID)
        policy_file_close(file);
    if (outcome != POLICY_FILE_INVALID && file->unresolved)
        outcome = POLICY_FILE_UNRESOLVED;
    else if (outcome == POLICY_FILE_READ && file->store_failed)
        outcome = POLICY_FILE_STORE_FAILED;
    return outcome;
}

void policy_file_say_no_libcrypto(const struct policy_file *file)
{
    message_error("%s: its keys cannot be checked: no libcrypto of OpenSSL 1.1.1 to 4 is installed; "
                  "install one",
                  file->path);
}

void policy_file_close(struct policy_file *file)
{
    policy_free(file->policy);
    file->policy = NULL;
}
