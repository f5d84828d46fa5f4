/* What an upload refuses: each has words of its own. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "tests/unit/record_support.h"
#include "tests/unit/support.h"

TestSuite(record_refused, .init = record_fixture_make, .fini = fixture_clean);

static void expect_input(const struct record_input *input, const char *what, const char *to_do)
{
    char why[RECORD_WHY_SIZE] = "";
    struct record_made made;
    cr_expect_not(record_make(crypto_table(), input, &made, why, sizeof why), "%s", what);
    const char *found = strstr(why, what);
    const char *semicolon = found == NULL ? NULL : strchr(found, ';');
    cr_expect_not_null(found, "\"%s\" is not in \"%s\"", what, why);
    cr_expect(semicolon != NULL && strstr(semicolon, to_do) != NULL, "\"%s\" is not in \"%s\"", to_do, why);
    cr_expect_null(made.text);
    cr_expect_eq(crypto_table()->ERR_peek_last_error(), 0, "%s", what);
    record_made_free(&made);
}

static void expect(struct content content, const char *what, const char *to_do)
{
    struct record_input input = upload_of(content);
    expect_input(&input, what, to_do);
}

/* The words, with the number of the line behind that file in the place of %s. */
static const char *behind(const char *name, const char *words)
{
    char *line = shell("printf %%s $(($(wc -l <%s) + 1))", name).text;
    static char text[256];
    snprintf(text, sizeof text, "%.*s%s%s", (int)(strstr(words, "%s") - words), words, line,
             strstr(words, "%s") + 2);
    return text;
}

static struct content part(const char *name)
{
    return shell("cat %s", name);
}

Test(record_refused, keys)
{
    struct content encrypted = shell("cat cert.pem; openssl pkcs8 -topk8 -in key.pem -passout pass:x");
    expect(shell("cat cert.pem key.pem other.key"), "holds more than one private key", "keep the one");
    expect(shell("cat cert.pem key.pem key.pem"), "holds more than one private key", "keep the one");
    expect(shell("cat cert.pem other.key"), "does not match the first certificate", "give the key");
    expect(shell("cat other.pem cert.pem key.pem"), "belongs to the certificate at line ",
           "put that one first");
    expect(shell("cat pub.pem key.pem"), "holds a private key with a public key", "public key alone");
    expect(part("key.pem"), "holds a private key alone", "cat CERTIFICATE 'cert.pem'");
    expect(encrypted, "has a private key that is encrypted", "openssl pkey -in 'cert.pem'");
    expect(shell("cat cert.pem; openssl ec -in key.pem -aes128 -passout pass:x"),
           "has a private key that is encrypted", "openssl pkey");
    expect(
        joined(part("cert.pem").text, "-----BEGIN PRIVATE KEY-----\nMIGH\n-----END PRIVATE KEY-----\n", NULL),
        behind("cert.pem", "has a private key, at line %s, that does not parse"), "'openssl pkey'");
    expect(joined(part("cert.pem").text,
                  "-----BEGIN OPENSSH PRIVATE KEY-----\nb3Bl\n-----END OPENSSH PRIVATE KEY-----\n", NULL),
           "in OpenSSH's own format", "ssh-keygen -p -m PKCS8 -f 'cert.pem'");
}

Test(record_refused, a_key_without_a_secret)
{
    struct secret empty = {"", 0};
    struct record_input input = upload_of(shell("cat cert.pem key.pem"));
    input.secret = NULL;
    expect_input(&input, "there is no secret to encrypt it with", "private_certificate_encoding_secret_file");
    input.secret = &empty;
    expect_input(&input, "there is no secret to encrypt it with",
                 "TLSGRAFT_SECURITY_PRIVATECERTIFICATEENCODINGSECRET");
    input = upload_of(part("cert.pem"));
    input.secret = NULL;
    record_made_free(&(struct record_made){.id = made_of(&input).id});
}

static const time_t day = 86400;

Test(record_refused, expired_certificates)
{
    struct record_input input = upload_of(part("cert.pem"));
    input.now += 31 * day;
    expect_input(&input, "has an expired certificate, at line 1: it was valid until ", "renew it");
    input = upload_of(shell("cat other.pem cert.pem"));
    input.now += 31 * day;
    expect_input(&input, behind("other.pem", "has an expired certificate, at line %s: it was valid until "),
                 "leave it out");
    input.now -= 62 * day;
    made_of(&input); /* not valid yet */
}

/* It is valid in its last second. */
Test(record_refused, the_second_of_expiry)
{
    struct record_input input = upload_of(part("cert.pem"));
    struct content end =
        shell("date -u -d \"$(openssl x509 -in cert.pem -noout -enddate | cut -d= -f2)\" +%%s");
    input.now = strtoll(end.text, NULL, 10);
    made_of(&input);
    input.now++;
    expect_input(&input, "has an expired certificate", "renew it");
}

Test(record_refused, public_keys)
{
    struct content broken = shell("sed 's/^MFk/MFo/' pub.pem");
    expect(shell("cat pub.pem pub.pem"), "holds several public keys", "a file of its own");
    expect(shell("cat pub.pem cert.pem"), "holds a public key and a certificate together",
           "a file of its own");
    expect(shell("cat cert.pem pub.pem"), "holds a public key and a certificate together",
           "a file of its own");
    expect(broken, "has a public key, at line 1, that does not parse", "'openssl pkey -pubout'");
    /* A SubjectPublicKeyInfo, but its point is on no curve. */
    expect(shell("(openssl pkey -pubin -in pub.pem -outform DER | head -c 90; printf x) | "
                 "openssl base64 | (echo -----BEGIN PUBLIC KEY-----; cat; echo -----END PUBLIC KEY-----)"),
           "has a public key, at line 1, that does not parse", "'openssl pkey -pubout'");
}

Test(record_refused, der)
{
    expect(shell("openssl x509 -in cert.pem -outform DER"), "is a certificate in DER",
           "openssl x509 -inform DER -in 'cert.pem' -out 'cert.pem.pem'");
    expect(shell("openssl pkey -pubin -in pub.pem -outform DER"), "is a public key in DER",
           "openssl pkey -pubin -inform DER -in");
    expect(shell("openssl pkey -in key.pem -outform DER"), "is a private key in DER",
           "openssl pkey -inform DER -in");
    expect(shell("openssl pkcs8 -topk8 -in key.pem -outform DER -passout pass:x"),
           "is an encrypted private key in DER", "openssl pkcs8 -inform DER -in");
    expect(shell("openssl crl2pkcs7 -nocrl -certfile cert.pem -outform DER"), "PKCS #7, in DER",
           "openssl pkcs7 -inform DER -print_certs -in");
    expect(shell("openssl pkcs12 -export -in cert.pem -inkey key.pem -passout pass:x"), "is PKCS #12",
           "openssl pkcs12 -nodes -in");
}

/* The commands that the refusals name do make what is taken. */
Test(record_refused, der_is_converted)
{
    struct record_input input;
    input = upload_of(shell("openssl x509 -in cert.pem -outform DER >a; openssl x509 -inform DER -in a"));
    made_of(&input);
    input = upload_of(
        shell("openssl pkey -pubin -in pub.pem -outform DER >a; openssl pkey -pubin -inform DER -in a"));
    made_of(&input);
    input =
        upload_of(shell("openssl crl2pkcs7 -nocrl -certfile cert.pem >a; openssl pkcs7 -print_certs -in a"));
    made_of(&input);
    input = upload_of(shell("openssl pkcs12 -export -in cert.pem -inkey key.pem -passout pass:x >a;"
                            "openssl pkcs12 -nodes -in a -passin pass:x"));
    cr_expect(made_of(&input).has_private_key);
    input = upload_of(shell("openssl x509 -in cert.pem -trustout >a; openssl x509 -in a"));
    made_of(&input);
}

Test(record_refused, other_blocks)
{
    expect(shell("openssl req -new -key key.pem -subj /CN=r"), "holds a certificate request",
           "have it signed");
    expect(shell("openssl crl2pkcs7 -nocrl -certfile cert.pem"), "holds certificates in PKCS #7",
           "openssl pkcs7 -print_certs");
    expect(shell("openssl x509 -in cert.pem -trustout"), "holds a TRUSTED CERTIFICATE block",
           ": openssl crl2pkcs7 -nocrl -certfile ");
    expect(shell("cat cert.pem key.pem; openssl x509 -in other.pem -trustout"),
           "holds a TRUSTED CERTIFICATE block", "-print_certs && openssl pkey -in ");
    expect(shell("openssl genrsa 2048 | openssl rsa -RSAPublicKey_out"), "holds an RSA PUBLIC KEY block",
           "openssl rsa -RSAPublicKey_in -pubout");
    expect(joined("-----BEGIN X509 CRL-----\nMCow\n-----END X509 CRL-----\n", NULL), "a revocation list",
           "the certificate itself");
    expect(joined("-----BEGIN DH\x1b[31m-----\nMCow\n-----END DH\x1b[31m-----\n", NULL),
           "no certificate and no public key, but DH?[31m", "give a certificate");
}

Test(record_refused, what_is_no_pem)
{
    static char nul[] = "-----BEGIN CERTIFICATE-----\n\0";
    struct content big = {calloc(1, RECORD_TEXT_MAX + 2), RECORD_TEXT_MAX + 1};
    struct content cut = part("cert.pem");
    expect(joined("", NULL), "is empty", "give a certificate");
    expect(joined("junk\n", NULL), "holds no PEM block", "give a certificate");
    expect(joined("0123456789 a text that begins with a digit\n", NULL), "holds no PEM block",
           "give a certificate");
    expect((struct content){nul, sizeof nul}, "has a NUL byte", "give a certificate");
    memset(big.text, '\n', RECORD_TEXT_MAX + 1);
    expect(big, "is longer than 1 MiB", "one certificate");
    expect(shell("sed 's/^/  /' cert.pem"), "has a BEGIN line that is indented", "beginning and the end");
    cut.length /= 2;
    expect(cut, "is cut off: the CERTIFICATE block at line 1 has no END line", "copy the whole file");
    expect(shell("head -n 5 cert.pem; cat cert.pem"), "is cut off: the CERTIFICATE block at line 1",
           "copy the whole file");
    expect(shell("cat cert.pem; head -n 2 other.pem; echo -----END X-----"),
           behind("cert.pem", "is cut off: the CERTIFICATE block at line %s has no END line"),
           "copy the whole file");
    expect(shell("sed '3s/./?/' cert.pem"), "is damaged: the CERTIFICATE block at line 1 is not base64",
           "copy the whole file");
    expect(shell("sed '3d' cert.pem"), "has a certificate, at line 1, that does not parse", "'openssl x509'");
    expect(shell("(openssl x509 -in cert.pem -outform DER; printf x) | openssl base64 |"
                 "(echo -----BEGIN CERTIFICATE-----; cat; echo -----END CERTIFICATE-----)"),
           "has a certificate, at line 1, that does not parse", "'openssl x509'");
}

Test(record_refused, organisations_that_make_no_id)
{
    char longer[RECORD_ID_MAX];
    struct record_input input = upload_of(part("cert.pem"));
    input.organisation = "../x";
    expect_input(&input, "would have an id that is not allowed: it begins with a dot", "\"../x\"");
    input.organisation = "a/b";
    expect_input(&input, "it has a slash in it", "choose another organisation");
    memset(longer, 'o', sizeof longer);
    longer[RECORD_ID_MAX - RECORD_HASH_DIGITS + 1] = '\0';
    input.organisation = longer;
    expect_input(&input, "it has more than 250 characters", "choose another organisation");
    longer[RECORD_ID_MAX - RECORD_HASH_DIGITS] = '\0';
    made_of(&input);
}

Test(record_refused, names_in_commands)
{
    struct record_input input = upload_of(shell("openssl x509 -in cert.pem -outform DER"));
    input.name = "-";
    expect_input(&input, "is a certificate in DER", "-in 'FILE' -out 'FILE.pem'");
    input.name = "a'; reboot '";
    expect_input(&input, "is a certificate in DER", "-in 'FILE' -out 'FILE.pem'");
}
