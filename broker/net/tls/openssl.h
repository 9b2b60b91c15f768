#pragma once

// The one place through which OpenSSL's TLS enters; only for the files beside this one.
#include <openssl/bio.h>      // IWYU pragma: export
#include <openssl/decoder.h>  // IWYU pragma: export
#include <openssl/err.h>      // IWYU pragma: export
#include <openssl/pem.h>      // IWYU pragma: export
#include <openssl/ssl.h>      // IWYU pragma: export
#include <openssl/x509v3.h>   // IWYU pragma: export
