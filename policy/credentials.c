#include "policy/credentials.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "policy/credential.h"
#include "policy/record_key.h"

enum { KEPT_DETAIL_SIZE = 160 }; /* what is longer is of faults that are tried again */

/* What a candidate came to, for one libssl. Nothing but `next` and `references` changes. */
struct known {
    struct credential_made made; /* the first member */
    enum credential_fault fault;
    struct known *next;     /* of the same candidate; under the lock */
    size_t references;      /* under the lock; one is the list's */
    struct kept_text *kept; /* what it was made from; NULL: the policy holds it, or nobody does */
    const char *text;       /* NULL: nobody does */
    size_t length;
    int64_t made_at; /* seconds of CLOCK_MONOTONIC */
    const struct ossl *ossl;
    char detail[KEPT_DETAIL_SIZE]; /* what there is to say of `fault` */
};

struct credentials {
    size_t count;
    struct known *first[]; /* by the candidates' numbers */
};

/* One call of credential_acquire(). */
struct wish {
    const struct policy *policy;
    const struct ossl *ossl;
    const struct candidate *candidate;
    struct kept_text *kept; /* as above */
    const char *text;       /* NULL: the record is there, and its text was not kept */
    size_t length;
};

static struct host_lock lock = HOST_LOCK_INITIAL;

struct host_lock *credentials_lock(void)
{
    return &lock;
}

struct credentials *credentials_new(size_t candidate_count)
{
    struct credentials *credentials =
        calloc(1, sizeof *credentials + candidate_count * sizeof(struct known *));
    if (credentials != NULL)
        credentials->count = candidate_count;
    return credentials;
}

/* Gives back a reference; NULL is allowed. */
static void release(struct known *known)
{
    if (known == NULL)
        return;
    host_lock(&lock);
    bool is_last = --known->references == 0;
    host_unlock(&lock);
    if (!is_last)
        return;
    credential_clear(&known->made);
    records_release_text(known->kept);
    free(known);
}

/* Those of a list that nobody comes to any more. */
static void release_list(struct known *known)
{
    while (known != NULL) {
        struct known *next = known->next;
        release(known);
        known = next;
    }
}

void credentials_free(struct credentials *credentials)
{
    if (credentials == NULL)
        return;
    for (size_t i = 0; i < credentials->count; i++)
        release_list(credentials->first[i]);
    free(credentials);
}

/* What is known of a candidate whose record is gone, or is another one. */
static void forget(const struct wish *wish)
{
    struct known **first = &wish->policy->credentials->first[wish->candidate->number];
    host_lock(&lock);
    struct known *list = *first;
    *first = NULL;
    host_unlock(&lock);
    release_list(list);
}

/* Under the lock: the place of what is known for this libssl, or the end of the list. */
static struct known **place_of(const struct wish *wish)
{
    struct known **place = &wish->policy->credentials->first[wish->candidate->number];
    while (*place != NULL && (*place)->ossl != wish->ossl)
        place = &(*place)->next;
    return place;
}

/* A reference to what is known; NULL: nothing is. */
static struct known *hold(const struct wish *wish)
{
    host_lock(&lock);
    struct known *known = *place_of(wish);
    if (known != NULL)
        known->references++;
    host_unlock(&lock);
    return known;
}

static int64_t seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec;
}

/*
 * Is it to be tried again with the same text? Memory comes back, and a host may load a provider later; that a
 * text is no record costs no decryption to find out, and may also be for want of memory.
 */
static bool is_for_now(enum credential_fault fault)
{
    return fault == CREDENTIAL_NO_MEMORY || fault == CREDENTIAL_UNSUPPORTED || fault == CREDENTIAL_REFUSED;
}

/* Was it made from the text that counts now? One that is not kept counts as long as one that is. */
static bool is_current(const struct wish *wish, const struct known *known)
{
    if (is_for_now(known->fault))
        return false;
    if (wish->text == NULL)
        return known->text == NULL && seconds() - known->made_at < (int64_t)wish->policy->store.cache_seconds;
    return known->text == wish->text || (known->text != NULL && known->length == wish->length &&
                                         memcmp(known->text, wish->text, wish->length) == 0);
}

/* Puts it where others find it. Returns a reference: to it, or to what another thread has made meanwhile. */
static struct known *publish(const struct wish *wish, struct known *made)
{
    host_lock(&lock);
    struct known **place = place_of(wish);
    struct known *old = *place;
    struct known *kept = made;
    if (old != NULL && made->text != NULL && old->text == made->text) {
        kept = old;
        old = NULL;
    } else {
        made->references++;
        made->next = old == NULL ? NULL : old->next;
        *place = made;
    }
    if (kept != made)
        kept->references++;
    host_unlock(&lock);
    release(kept == made ? old : made);
    return kept;
}

/*
 * Makes what the wish is for, from `text`, which is the wish's unless that was not kept. The wish's hold on
 * its text goes over. NULL: there is no memory even for that; `*fault` tells.
 */
static struct known *make(struct wish *wish, const char *text, size_t length, enum credential_fault *fault,
                          char *why)
{
    const struct candidate *candidate = wish->candidate;
    char detail[CREDENTIAL_WHY_SIZE] = "";
    struct known *known = calloc(1, sizeof *known);
    *fault = CREDENTIAL_NO_MEMORY;
    if (known == NULL) {
        credential_say(wish->policy, candidate, *fault, detail, why);
        return NULL;
    }
    const struct credential_source source = {
        .ossl = wish->ossl,
        .id = candidate->kind == CANDIDATE_ID ? candidate->name : NULL,
        .text = text,
        .length = length,
        .secret = &wish->policy->secret,
    };
    *fault = credential_make(&source, &known->made, detail);
    if (*fault != CREDENTIAL_READY)
        credential_say(wish->policy, candidate, *fault, detail, why);
    known->fault = *fault;
    snprintf(known->detail, sizeof known->detail, "%.*s", KEPT_DETAIL_SIZE - 1, detail);
    known->references = 1;
    known->kept = wish->kept;
    known->text = wish->text;
    known->length = wish->length;
    known->made_at = seconds();
    known->ossl = wish->ossl;
    wish->kept = NULL;
    return known;
}

/* There was no room for the text among those that are kept: it is read again, each `cache_seconds`. */
static struct known *make_of_unkept(struct wish *wish, struct known *old, enum credential_fault *fault,
                                    char *why)
{
    const struct policy *policy = wish->policy;
    enum store_result result;
    struct store_text text;
    store_read(&policy->store, &wish->candidate->name, 1, policy->store.timeout_ms, &result, &text, why);
    if (result == STORE_DONE) {
        release(old);
        struct known *made = make(wish, text.text, text.length, fault, why);
        store_text_free(&text);
        return made;
    }
    /* The record is served, so what it was made into before is good as well. */
    if (old != NULL && old->text == NULL && old->fault == CREDENTIAL_READY) {
        *fault = CREDENTIAL_READY;
        return old;
    }
    release(old);
    *fault = CREDENTIAL_NO_ANSWER;
    if (result == STORE_ABSENT)
        snprintf(why, CREDENTIAL_WHY_SIZE, "the record was deleted from the store just now");
    return NULL;
}

/* A reference to what the candidate comes to. NULL: `*fault` and `why` tell. */
static struct known *find_or_make(struct wish *wish, enum credential_fault *fault, char *why)
{
    struct known *old = hold(wish);
    struct known *known;
    if (old != NULL && is_current(wish, old)) {
        *fault = old->fault;
        if (*fault != CREDENTIAL_READY)
            credential_say(wish->policy, wish->candidate, *fault, old->detail, why);
        return old;
    }
    if (wish->text == NULL) {
        known = make_of_unkept(wish, old, fault, why);
    } else {
        release(old);
        known = make(wish, wish->text, wish->length, fault, why);
    }
    return known == NULL || known == old ? known : publish(wish, known);
}

/* What looks like a mistyped path is told of as one. */
static void say_mistaken(const struct policy *policy, const struct candidate *candidate, char *why)
{
    char name[256];
    if (candidate->why == NULL)
        return;
    store_name(&policy->store, name, sizeof name);
    snprintf(why, CREDENTIAL_WHY_SIZE, "%s has no such record: %s", name, candidate->why);
}

/* The text that counts for a candidate; CREDENTIAL_READY: there is one. */
static enum credential_fault find_record(struct wish *wish, char *why)
{
    const struct policy *policy = wish->policy;
    const struct candidate *candidate = wish->candidate;
    const struct pin *pin;
    if (policy->records == NULL) {
        snprintf(why, CREDENTIAL_WHY_SIZE, "the store was not asked for this record");
        return CREDENTIAL_NO_ANSWER;
    }
    wish->kept = records_hold_text(policy->records, candidate->name, &wish->text, &wish->length);
    if (wish->kept != NULL)
        return CREDENTIAL_READY;
    wish->text = NULL;
    switch (records_pin(policy->records, candidate->name, &pin, why)) {
    case RECORDS_FOUND:
        return CREDENTIAL_READY;
    case RECORDS_ABSENT:
        say_mistaken(policy, candidate, why);
        return CREDENTIAL_NO_RECORD;
    case RECORDS_REFUSED:
        return CREDENTIAL_REFUSED;
    default:
        return CREDENTIAL_NO_ANSWER;
    }
}

static enum credential_fault find_text(struct wish *wish, char *why)
{
    const struct candidate *candidate = wish->candidate;
    switch (candidate->kind) {
    case CANDIDATE_PEM:
        wish->text = candidate->pem;
        wish->length = candidate->pem_length;
        return CREDENTIAL_READY;
    case CANDIDATE_ID:
        return find_record(wish, why);
    default:
        snprintf(why, CREDENTIAL_WHY_SIZE, "%s", candidate->why == NULL ? "cannot be read" : candidate->why);
        return CREDENTIAL_UNREADABLE;
    }
}

const struct credential *credential_acquire(const struct policy *policy, const struct ossl *ossl,
                                            const struct candidate *candidate, enum credential_fault *fault,
                                            char *why)
{
    struct wish wish = {.policy = policy, .ossl = ossl, .candidate = candidate};
    struct known *known = NULL;
    why[0] = '\0';
    *fault = find_text(&wish, why);
    if (*fault == CREDENTIAL_READY)
        known = find_or_make(&wish, fault, why);
    else if (*fault != CREDENTIAL_NO_ANSWER)
        forget(&wish); /* where the store does not answer, what it last said may yet hold */
    records_release_text(wish.kept);
    if (known != NULL && known->fault == CREDENTIAL_READY)
        return &known->made.credential;
    release(known);
    return NULL;
}

void credential_release(const struct credential *credential)
{
    release((struct known *)credential); /* it is its first member */
}
