// Tokens: vectors of RFC 7515, every way of being wrong that we could think of, and the file of
// keys.
#include "broker/auth/token.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <openssl/err.h>
#include <sys/stat.h>

#include <filesystem>
#include <string>
#include <vector>

#include "broker/auth/json.h"
#include "broker/auth/keys.h"
#include "broker/auth/secret.h"
#include "broker/auth/signature.h"
#include "tests/support/server.h"
#include "tests/support/token.h"

namespace peal::broker {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using tests::Hs256;
using tests::JwtBody;
using tests::PlainToken;
using tests::SignedJwt;
using tests::SigningKey;

constexpr int64_t kNowS = 1'800'000'000;
constexpr int64_t kNowMs = kNowS * 1000;
const std::string kSecret(32, 's');
const std::string kOther(32, 'o');

// RFC 7515, appendix A: the keys in the forms that Peal reads, and the tokens.
constexpr std::string_view kRfcSecret =
    "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow";
constexpr std::string_view kRfcRsa =
    "-----BEGIN PUBLIC KEY-----\n"
    "MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEAofgWCuLjybRlzo0tZWJj\n"
    "NiuSfb4p4fAkd/wWJcyQoTbji9k0l8W26mPddxHmfHQp+Vaw+4qPCJrcS2mJPMEz\n"
    "P1Pt0Bm4d4QlL+yRT+SFd2lZS+pCgNMsD1W/YpRPEwOWvG6b32690r2jZ47soMZo\n"
    "9wGzjb/7OMg0LOL+bSf63kpaSHSXndS5z5rexMdbBYUsLA9e+KXBdQOS+UTo7WTB\n"
    "EMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6/I5IhlJH7aGhyxX\n"
    "FvUK+DWNmoudF8NAco9/h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXp\n"
    "oQIDAQAB\n"
    "-----END PUBLIC KEY-----\n";
constexpr std::string_view kRfcEc =
    "-----BEGIN PUBLIC KEY-----\n"
    "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEf83OJ3D2xF1Bg8vub9tLe1gHMzV7\n"
    "6e8Tus9uPHvRVEXH8UTNG72bfocs3+257rn0s2ldbqkLJK2KRiMohYjlrQ==\n"
    "-----END PUBLIC KEY-----\n";
constexpr std::string_view kRfcClaims =
    "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cn"
    "VlfQ";
constexpr std::string_view kRfcHs256 =
    "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9.{}.dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
constexpr std::string_view kRfcRs256 =
    "eyJhbGciOiJSUzI1NiJ9.{}."
    "cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_"
    "lF5YKt_O8W2Fp5jujGbds9uJdbF9CUAr7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARN"
    "PvkSjtQBMHlb1L07Qe7K0GarZRmB_eSN9383LcOLn6_dO--xi12jzDwusC-"
    "eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6"
    "IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN_IoypGlUPQGe77Rw";
constexpr std::string_view kRfcEs256 =
    "eyJhbGciOiJFUzI1NiJ9.{}."
    "DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q";

std::string WithRfcClaims(std::string_view form) {
  std::string token(form);
  return token.replace(token.find("{}"), 2, kRfcClaims);
}

/// Files that the lines of keys name.
class Tokens : public ::testing::Test {
 protected:
  Tokens() : dir_(tests::MakeTemporaryDirectory()) {
    Put("rsa.pem", rsa_.PublicPem());
    Put("ec.pem", ec_.PublicPem());
    keys_ = Keys("hmac plain hex:" + Hex(kSecret) + "\nhmac plain2 hex:" + Hex(kOther) +
                 "\nhs256 h hex:" + Hex(kSecret) + "\nrs256 r file:" + dir_ +
                 "/rsa.pem\nes256 e file:" + dir_ + "/ec.pem\n");
  }
  ~Tokens() override { std::filesystem::remove_all(dir_); }

  static std::string Hex(std::string_view text) {
    std::string hex;
    for (const char c : text) {
      hex += "0123456789abcdef"[static_cast<unsigned char>(c) >> 4];
      hex += "0123456789abcdef"[static_cast<unsigned char>(c) & 15];
    }
    return hex;
  }
  std::string Put(const std::string& name, std::string_view text, mode_t mode = 0600) const {
    const std::string path = dir_ + "/" + name;
    tests::WriteFile(path, text);
    EXPECT_EQ(chmod(path.c_str(), mode), 0);
    return path;
  }
  static std::shared_ptr<const TokenKeys> Keys(const std::string& text) {
    const auto keys = TokenKeys::Parse(text, "keys", false);
    EXPECT_TRUE(keys.ok()) << (keys.ok() ? "" : keys.error().text());
    return keys.ok() ? *keys : nullptr;
  }
  /// The reason of the refusal; "good" if there is none.
  std::string Verdict(std::string_view token, std::string_view user = "bob") const {
    EXPECT_EQ(ERR_peek_error(), 0U);
    const auto grant = VerifyToken(*keys_, policy_, user, token, kNowMs);
    EXPECT_EQ(ERR_peek_error(), 0U) << "the queue of errors is not clean";
    return grant.ok() ? "good" : std::string(grant.error().text());
  }
  /// A web token by the key "h".
  static std::string Jwt(const std::string& claims,
                         const std::string& header = R"({"alg":"HS256","kid":"h"})") {
    return Hs256(kSecret, header, claims);
  }
  static std::string Claims(const std::string& more = "") {
    return R"({"sub":"bob","exp":)" + std::to_string(kNowS + 60) + more + "}";
  }

  const SigningKey rsa_ = SigningKey::Rsa();
  const SigningKey ec_ = SigningKey::Ec();
  const std::string dir_;
  std::shared_ptr<const TokenKeys> keys_;
  TokenPolicy policy_;
};

TEST_F(Tokens, SignaturesOfRfc7515AreRight) {
  const auto secret = DecodeBase64Url(kRfcSecret);
  ASSERT_TRUE(secret.has_value());
  const std::vector<std::pair<std::string, std::string_view>> all = {
      {"hs256 k hex:" + Hex(secret.value_or("")), kRfcHs256},
      {"rs256 k file:" + Put("rfc-rsa.pem", kRfcRsa), kRfcRs256},
      {"es256 k file:" + Put("rfc-ec.pem", kRfcEc), kRfcEs256}};
  for (const auto& [line, form] : all) {
    const auto keys = Keys(line + "\n");
    const std::string token = WithRfcClaims(form);
    const auto verdict = [&](const std::string& text) {
      const auto grant = VerifyToken(*keys, {}, "joe", text, kNowMs);
      return grant.ok() ? "good" : std::string(grant.error().text());
    };
    // The claims are read after the signature was found right; they have no "sub".
    EXPECT_EQ(verdict(token), "'sub' is not the user") << line;
    // No octet of it may be another: all bits of all that is signed, and of the signature.
    int refused = 0;
    for (size_t i = 0; i < token.size(); ++i) {
      std::string bent = token;
      bent[i] = bent[i] == 'A' ? 'B' : 'A';
      EXPECT_NE(verdict(bent), "'sub' is not the user") << line << " at " << i;
      ++refused;
    }
    EXPECT_EQ(refused, static_cast<int>(token.size()));
  }
}

TEST_F(Tokens, GoodOnesAreTaken) {
  EXPECT_EQ(Verdict(PlainToken(kSecret, "bob", kNowS + 60, "")), "good");
  EXPECT_EQ(Verdict(PlainToken(kOther, "bob", kNowS + 60, "reader,writer")), "good");
  EXPECT_EQ(Verdict(Jwt(Claims())), "good");
  EXPECT_EQ(Verdict(SignedJwt(rsa_, R"({"alg":"RS256","kid":"r"})", Claims())), "good");
  EXPECT_EQ(Verdict(SignedJwt(ec_, R"({"alg":"ES256","kid":"e"})", Claims())), "good");
  EXPECT_EQ(Verdict(Jwt(Claims(R"(,"nbf":1,"iat":2,"x":{"y":[{"z":null}]},"w":[1,[2]])"))), "good");
  EXPECT_EQ(Verdict(Jwt(R"({"sub":"bob","exp":1800000000.5e0,"nbf":0.25})")),
            "the token has expired");
  EXPECT_EQ(Verdict(Jwt(R"({"sub":"bob","exp":1800000001.5})")), "good");
  EXPECT_EQ(Verdict(Jwt(R"({"sub":"büb","exp":1800000001})"), "büb"), "good");
}

TEST_F(Tokens, RolesAreRead) {
  const auto roles_of = [&](const std::string& token) {
    const auto grant = VerifyToken(*keys_, policy_, "bob", token, kNowMs);
    EXPECT_TRUE(grant.ok()) << (grant.ok() ? "" : grant.error().text());
    return grant.ok() ? *grant : TokenGrant();
  };
  TokenGrant grant = roles_of(PlainToken(kSecret, "bob", kNowS + 60, ""));
  EXPECT_FALSE(grant.has_roles);
  EXPECT_EQ(grant.expires_ms, (kNowS + 60) * 1000);
  grant = roles_of(PlainToken(kSecret, "bob", kNowS + 60, "writer,reader.2,writer"));
  EXPECT_TRUE(grant.has_roles);
  EXPECT_THAT(grant.roles, ElementsAre("reader.2", "writer"));
  EXPECT_FALSE(roles_of(Jwt(Claims())).has_roles);
  EXPECT_THAT(roles_of(Jwt(Claims(R"(,"roles":["b","a"])"))).roles, ElementsAre("a", "b"));
  EXPECT_THAT(roles_of(Jwt(Claims(R"(,"roles":"b a")"))).roles, ElementsAre("a", "b"));
}

TEST_F(Tokens, BadOnesAreRefused) {
  const std::string good = Jwt(Claims());
  const std::string plain = PlainToken(kSecret, "bob", kNowS + 60, "reader");
  const std::string rsa_header = R"({"alg":"RS256","kid":"r"})";
  const std::string long_roles = [] {
    std::string roles;
    for (int i = 0; i < 65; ++i) roles += (i == 0 ? "r" : ",r") + std::to_string(i);
    return roles;
  }();
  struct Case {
    std::string what;
    std::string token;
    std::string reason;
    std::string user = "bob";
  };
  const std::string exp = ",\"exp\":" + std::to_string(kNowS + 60) + "}";
  const std::vector<Case> cases = {
      // peal1
      {"another user", plain, "the signature is wrong, or is for another user", "ann"},
      {"unknown key", PlainToken(std::string(32, 'x'), "bob", kNowS + 60, ""),
       "the signature is wrong, or is for another user"},
      {"expired", PlainToken(kSecret, "bob", kNowS, ""), "the token has expired"},
      {"long expired", PlainToken(kSecret, "bob", 0, ""), "the token has expired"},
      {"negative expiry", PlainToken(kSecret, "bob", -1, ""), "the expiry is out of range"},
      {"huge expiry", PlainToken(kSecret, "bob", INT64_MAX, ""), "the expiry is out of range"},
      {"year 10000", PlainToken(kSecret, "bob", 253'402'300'800, ""), "the expiry is out of range"},
      {"cut", plain.substr(0, plain.size() - 1), "the signature is not 64 hexadecimal digits"},
      {"half", plain.substr(0, plain.size() - 32), "the signature is not 64 hexadecimal digits"},
      {"no signature", plain.substr(0, plain.rfind('.') + 1),
       "the signature is not 64 hexadecimal digits"},
      {"longer", plain + "00", "the signature is not 64 hexadecimal digits"},
      {"no digits", plain.substr(0, plain.size() - 2) + "zz",
       "the signature is not 64 hexadecimal digits"},
      {"role added",
       "peal1." + std::to_string(kNowS + 60) + ".reader,admin" + plain.substr(plain.rfind('.')),
       "the signature is wrong, or is for another user"},
      {"later expiry", "peal1." + std::to_string(kNowS + 61) + plain.substr(plain.find('.', 6)),
       "the signature is wrong, or is for another user"},
      {"empty role", PlainToken(kSecret, "bob", kNowS + 60, "a,,b"),
       "the name of a role is empty or has blanks"},
      {"role with blank", PlainToken(kSecret, "bob", kNowS + 60, "a b"),
       "the name of a role is empty or has blanks"},
      {"line end in role", PlainToken(kSecret, "bob", kNowS + 60, "a\nb"),
       "the name of a role is empty or has blanks"},
      {"65 roles", PlainToken(kSecret, "bob", kNowS + 60, long_roles),
       "there are more than 64 roles"},
      {"line end in user", PlainToken(kSecret, "bob\n1", kNowS + 60, ""),
       "the name of the user is empty or has blanks", "bob\n1"},
      {"no user", PlainToken(kSecret, "", kNowS + 60, ""),
       "the name of the user is empty or has blanks", ""},
      {"too long", plain + std::string(kLongestToken, 'a'), "the token is longer than 8 KiB"},
      // Not in the form at all.
      {"empty", "", "it has not the form of a token"},
      {"a word", "secret", "it has not the form of a token"},
      {"prefix", "peal1.", "it has not the form of a token"},
      {"two dots", "peal1.1.2", "it has not the form of a token"},
      {"other version", "peal2.1..00", "it has not the form of a token"},
      {"encrypted (five parts)", good + ".a.b", "it has not the form of a token"},
      {"padding", good + "=", "it has not the form of a token"},
      {"blank", good + " ", "it has not the form of a token"},
      {"two parts", good.substr(0, good.rfind('.')), "it has not the form of a token"},
      // The algorithm.
      {"none", JwtBody(R"({"alg":"none"})", Claims()) + ".",
       "the header has no 'kid', and there is not one key only"},
      {"none with kid", JwtBody(R"({"alg":"none","kid":"h"})", Claims()) + ".",
       "'alg' is not that of the key"},
      {"NONE with kid", JwtBody(R"({"alg":"NONE","kid":"r"})", Claims()) + ".",
       "'alg' is not that of the key"},
      {"no signature", good.substr(0, good.rfind('.') + 1), "the signature is wrong"},
      {"RSA key as HMAC secret", Hs256(rsa_.PublicPem(), R"({"alg":"HS256","kid":"r"})", Claims()),
       "'alg' is not that of the key"},
      {"ECDSA key as HMAC secret", Hs256(ec_.PublicPem(), R"({"alg":"HS256","kid":"e"})", Claims()),
       "'alg' is not that of the key"},
      {"RS256 said, HMAC made", Hs256(rsa_.PublicPem(), rsa_header, Claims()),
       "the signature is wrong"},
      {"RS256 by the ECDSA key", SignedJwt(ec_, rsa_header, Claims()), "the signature is wrong"},
      {"ES256 by the RSA key", SignedJwt(rsa_, R"({"alg":"ES256","kid":"e"})", Claims()),
       "the signature is wrong"},
      {"HS384", Jwt(Claims(), R"({"alg":"HS384","kid":"h"})"), "'alg' is not that of the key"},
      {"lower case", Jwt(Claims(), R"({"alg":"hs256","kid":"h"})"), "'alg' is not that of the key"},
      {"no alg", Jwt(Claims(), R"({"kid":"h"})"), "'alg' is not that of the key"},
      {"alg a number", Jwt(Claims(), R"({"alg":256,"kid":"h"})"), "'alg' is no string"},
      {"alg null", Jwt(Claims(), R"({"alg":null,"kid":"h"})"), "'alg' is no string"},
      // The key.
      {"no kid", Jwt(Claims(), R"({"alg":"HS256"})"),
       "the header has no 'kid', and there is not one key only"},
      {"unknown kid", Jwt(Claims(), R"({"alg":"HS256","kid":"x"})"),
       "there is no key of that 'kid'"},
      {"kid of a key for peal1", Jwt(Claims(), R"({"alg":"HS256","kid":"plain"})"),
       "there is no key of that 'kid'"},
      {"kid a path", Jwt(Claims(), R"({"alg":"HS256","kid":"../../dev/null"})"),
       "there is no key of that 'kid'"},
      {"kid a list", Jwt(Claims(), R"({"alg":"HS256","kid":["h"]})"), "'kid' is no string"},
      {"crit", Jwt(Claims(), R"({"alg":"HS256","kid":"h","crit":["b64"],"b64":false})"),
       "the header has 'crit'"},
      {"own key in the header",
       Hs256(kOther, R"({"alg":"HS256","kid":"h","jwk":{"kty":"oct"}})", Claims()),
       "the signature is wrong"},
      // The JSON.
      {"header no object", Jwt(Claims(), R"(["alg"])"), "it has not the form of a token"},
      {"header cut", Jwt(Claims(), R"({"alg":"HS256")"), "header: it is no JSON"},
      {"alg twice", Jwt(Claims(), R"({"alg":"none","kid":"h","alg":"HS256"})"),
       "header: a name comes twice"},
      {"sub twice", Jwt(R"({"sub":"ann","sub":"bob")" + exp), "claims: a name comes twice"},
      {"exp twice", Jwt(R"({"sub":"bob","exp":1)" + exp), "claims: a name comes twice"},
      {"escaped name twice", Jwt("{\"sub\":\"bob\",\"\\u0073ub\":\"ann\"" + exp),
       "claims: a name comes twice"},
      {"claims a list", Jwt("[1]"), "claims: it is no object"},
      {"claims a number", Jwt("1"), "claims: it is no object"},
      {"claims empty text", Jwt(" "), "claims: it is no JSON"},
      {"claims not UTF-8", Jwt("{\"sub\":\"bob\",\"x\":\"\xff\"" + exp), "claims: it is no JSON"},
      {"surrogate alone", Jwt("{\"sub\":\"bob\",\"x\":\"\\ud800\"" + exp), "claims: it is no JSON"},
      {"behind the end", Jwt(Claims() + "{}"), "claims: it is no JSON"},
      {"comment", Jwt("/* */" + Claims()), "claims: it is no JSON"},
      {"nested", Jwt(R"({"sub":"bob","x":)" + std::string(8, '[') + std::string(8, ']') + exp),
       "claims: it is nested too deeply"},
      {"number beyond", Jwt(R"({"sub":"bob","exp":1e999})"), "claims: it is no JSON"},
      // The claims.
      {"another sub", good, "'sub' is not the user", "ann"},
      {"sub in other case", good, "'sub' is not the user", "Bob"},
      {"no sub", Jwt("{\"x\":1" + exp), "'sub' is not the user"},
      {"sub a list", Jwt("{\"sub\":[\"bob\"]" + exp), "'sub' is no string"},
      {"sub with NUL", Jwt("{\"sub\":\"bob\\u0000\"" + exp), "'sub' is not the user"},
      {"no exp", Jwt(R"({"sub":"bob"})"), "there is no 'exp'"},
      {"exp text", Jwt(R"({"sub":"bob","exp":"1900000000"})"), "'exp' is no time"},
      {"exp null", Jwt(R"({"sub":"bob","exp":null})"), "'exp' is no time"},
      {"exp negative", Jwt(R"({"sub":"bob","exp":-1})"), "'exp' is no time"},
      {"exp huge", Jwt(R"({"sub":"bob","exp":1e300})"), "'exp' is no time"},
      {"exp beyond 64 bits", Jwt(R"({"sub":"bob","exp":99999999999999999999})"),
       "'exp' is no time"},
      {"expired", Jwt(R"({"sub":"bob","exp":1800000000})"), "the token has expired"},
      {"not yet", Jwt(Claims(R"(,"nbf":1800000001)")), "the token is not valid yet"},
      {"nbf text", Jwt(Claims(R"(,"nbf":"1")")), "'nbf' is no time"},
      {"aud that nobody is", Jwt(Claims(R"(,"aud":"other")")),
       "'aud' does not name auth-token-audience"},
      {"iss a number", Jwt(Claims(R"(,"iss":1)")), "'iss' is no string"},
      {"roles a number", Jwt(Claims(R"(,"roles":1)")),
       "'roles' is neither a string nor a list of strings"},
      {"roles an object", Jwt(Claims(R"(,"roles":{"a":1})")),
       "'roles' is neither a string nor a list of strings"},
      {"roles mixed", Jwt(Claims(R"(,"roles":["a",1])")),
       "'roles' is neither a string nor a list of strings"},
      {"roles nested", Jwt(Claims(R"(,"roles":[["a"]])")),
       "'roles' is neither a string nor a list of strings"},
      {"roles null", Jwt(Claims(R"(,"roles":null)")),
       "'roles' is neither a string nor a list of strings"},
      {"no roles", Jwt(Claims(R"(,"roles":[])")), "the list of roles is empty"},
      {"empty roles", Jwt(Claims(R"(,"roles":"")")), "the name of a role is empty or has blanks"},
      {"two blanks", Jwt(Claims(R"(,"roles":"a  b")")),
       "the name of a role is empty or has blanks"},
  };
  for (const Case& each : cases)
    EXPECT_EQ(Verdict(each.token, each.user), each.reason) << each.what;
  RecordProperty("bad_tokens", static_cast<int>(cases.size()));
  EXPECT_GT(cases.size(), 80U);
}

TEST_F(Tokens, EveryCutAndEveryFlippedBitIsRefused) {
  const std::vector<std::string> all = {PlainToken(kSecret, "bob", kNowS + 60, "reader"),
                                        Jwt(Claims()),
                                        SignedJwt(rsa_, R"({"alg":"RS256","kid":"r"})", Claims()),
                                        SignedJwt(ec_, R"({"alg":"ES256","kid":"e"})", Claims())};
  int refused = 0;
  for (const std::string& token : all) {
    ASSERT_EQ(Verdict(token), "good");
    for (size_t i = 0; i < token.size(); ++i) {
      EXPECT_NE(Verdict(token.substr(0, i)), "good");
      for (int bit = 0; bit < 8; ++bit) {
        std::string bent = token;
        bent[i] = static_cast<char>(bent[i] ^ (1 << bit));
        // Hexadecimal digits have two cases that mean the same.
        const bool is_same = token.starts_with("peal1") && bit == 5 && i > token.rfind('.') &&
                             std::isalpha(static_cast<unsigned char>(token[i])) != 0;
        EXPECT_EQ(Verdict(bent) == "good", is_same) << token << " octet " << i << " bit " << bit;
        ++refused;
      }
    }
  }
  RecordProperty("flips", refused);
}

TEST_F(Tokens, PolicyIsAskedFor) {
  policy_.leeway_s = 10;
  EXPECT_EQ(Verdict(Jwt(R"({"sub":"bob","exp":1799999991})")), "good");
  EXPECT_EQ(Verdict(Jwt(R"({"sub":"bob","exp":1799999990})")), "the token has expired");
  EXPECT_EQ(Verdict(Jwt(Claims(R"(,"nbf":1800000010)"))), "good");
  EXPECT_EQ(Verdict(Jwt(Claims(R"(,"nbf":1800000011)"))), "the token is not valid yet");
  EXPECT_EQ(Verdict(PlainToken(kSecret, "bob", kNowS - 9, "")), "good");
  EXPECT_EQ(Verdict(PlainToken(kSecret, "bob", kNowS - 10, "")), "the token has expired");
  policy_.issuer = "joe";
  EXPECT_EQ(Verdict(Jwt(Claims())), "'iss' is not auth-token-issuer");
  EXPECT_EQ(Verdict(Jwt(Claims(R"(,"iss":"jo")"))), "'iss' is not auth-token-issuer");
  EXPECT_EQ(Verdict(Jwt(Claims(R"(,"iss":"joe")"))), "good");
  policy_.audience = "peal";
  const std::string issuer = R"(,"iss":"joe","aud":)";
  EXPECT_EQ(Verdict(Jwt(Claims(R"(,"iss":"joe")"))), "'aud' does not name auth-token-audience");
  EXPECT_EQ(Verdict(Jwt(Claims(issuer + R"("peal")"))), "good");
  EXPECT_EQ(Verdict(Jwt(Claims(issuer + R"(["x","peal"])"))), "good");
  EXPECT_EQ(Verdict(Jwt(Claims(issuer + R"(["x"])"))), "'aud' does not name auth-token-audience");
  EXPECT_EQ(Verdict(Jwt(Claims(issuer + R"(["peal",1])"))),
            "'aud' does not name auth-token-audience");
  EXPECT_EQ(Verdict(Jwt(Claims(issuer + "[]"))), "'aud' does not name auth-token-audience");
}

TEST_F(Tokens, OneKeyNeedsNoId) {
  keys_ = Keys("hmac a hex:" + Hex(kSecret) + "\nhs256 h hex:" + Hex(kSecret));
  EXPECT_EQ(Verdict(Jwt(Claims(), R"({"alg":"HS256"})")), "good");
  EXPECT_EQ(Verdict(Jwt(Claims(), R"({"alg":"none"})")), "'alg' is not that of the key");
  keys_ = Keys("hs256 h hex:" + Hex(kSecret));
  EXPECT_EQ(Verdict(PlainToken(kSecret, "bob", kNowS + 60, "")), "there is no key of kind hmac");
}

TEST_F(Tokens, TheFileOfKeysIsCheckedLineByLine) {
  const std::string good = "hmac a hex:" + Hex(kSecret) + "\n";
  const std::string secret_file = Put("secret", kSecret + "\n");
  const std::string open_file = Put("open", kSecret, 0644);
  struct Case {
    std::string text;
    std::string reason;
  };
  const std::vector<Case> cases = {
      {"", "keys: there is no key in it"},
      {"# nothing\n\n \t\n", "keys: there is no key in it"},
      {good + "hmac", "keys:2: the id of the key is missing or longer than 128 characters"},
      {good + "\n# x\nhmac b", "keys:4: the key itself is missing"},
      {"hs512 a hex:00", "keys:1: a line begins with hmac, hs256, rs256 or es256"},
      {"HMAC a hex:00", "keys:1: a line begins with hmac, hs256, rs256 or es256"},
      {"none a hex:00", "keys:1: a line begins with hmac, hs256, rs256 or es256"},
      {"hmac " + std::string(129, 'i') + " hex:" + Hex(kSecret),
       "keys:1: the id of the key is missing or longer than 128 characters"},
      {"hmac \x01 hex:" + Hex(kSecret),
       "keys:1: the id of the key is missing or longer than 128 characters"},
      {good + good, "keys:2: another key has the same id"},
      {good + "hs256 a hex:" + Hex(kSecret), "keys:2: another key has the same id"},
      {"hmac a " + Hex(kSecret), "keys:1: a secret begins with hex:, base64: or file:"},
      {"hmac a hex:" + Hex(kSecret) + "0", "keys:1: bad hexadecimal digits"},
      {"hmac a hex:" + std::string(64, 'g'), "keys:1: bad hexadecimal digits"},
      {"hmac a hex:" + std::string(62, '0'), "keys:1: a secret has 32 octets at least"},
      {"hmac a hex:", "keys:1: a secret has 32 octets at least"},
      {"hmac a hex:" + std::string(2050, '0'), "keys:1: a secret has 1,024 octets at most"},
      {"hs256 a base64:AAA", "keys:1: bad base64"},
      {"hs256 a base64:" + std::string(44, '-'), "keys:1: bad base64"},
      {"hs256 a base64:AAAA", "keys:1: a secret has 32 octets at least"},
      {"hmac a hex:" + Hex(kSecret) + " more", "keys:1: there are more words than three"},
      {"hmac a file:" + dir_ + "/none",
       "keys:1: cannot read '" + dir_ + "/none': No such file or directory"},
      {"hmac a file:" + dir_, "keys:1: cannot read '" + dir_ + "': Is a directory"},
      {"hmac a file:" + open_file,
       "keys:1: '" + open_file + "' holds a secret, and everybody may read it: chmod o-r"},
      {"hmac a file:" + Put("short", "short\n"), "keys:1: a secret has 32 octets at least"},
      {"hs256 a file:" + Put("public.pem", rsa_.PublicPem()),
       "keys:1: '" + dir_ + "/public.pem' holds a key in PEM, which is no secret for HMAC"},
      {"hmac a file:" + dir_ + "/ec.pem",
       "keys:1: '" + dir_ + "/ec.pem' holds a key in PEM, which is no secret for HMAC"},
      {"rs256 a hex:00", "keys:1: a public key is a file: file:PATH"},
      {"rs256 a file:" + secret_file, "keys:1: no public key in PEM"},
      {"rs256 a file:" + Put("empty", ""), "keys:1: no public key in PEM"},
      {"rs256 a file:" + dir_ + "/ec.pem", "keys:1: rs256 needs an RSA key, this one is ECDSA"},
      {"es256 a file:" + dir_ + "/rsa.pem", "keys:1: es256 needs an ECDSA key, this one is RSA"},
      {"rs256 a file:" + Put("small.pem", SigningKey::Rsa(1024).PublicPem()),
       "keys:1: an RSA key has 2,048 bits at least"},
      {"es256 a file:" + Put("p384.pem", SigningKey::Ec("P-384").PublicPem()),
       "keys:1: the curve of an ECDSA key is P-256"},
      {"es256 a file:" + Put("k1.pem", SigningKey::Ec("secp256k1").PublicPem()),
       "keys:1: the curve of an ECDSA key is P-256"},
      {"rs256 a file:" + Put("private.pem", rsa_.PrivatePem()),
       "keys:1: a private key stands where the public one belongs"},
      {"rs256 a file:" + Put("cut.pem", rsa_.PublicPem().substr(0, 200)),
       "keys:1: no public key in PEM"},
  };
  for (const Case& each : cases) {
    const auto keys = TokenKeys::Parse(each.text, "keys", false);
    EXPECT_EQ(keys.ok() ? "taken" : keys.error().text(), each.reason) << each.text;
    EXPECT_EQ(ERR_peek_error(), 0U) << each.text;
  }
  EXPECT_TRUE(TokenKeys::Parse("\n  hmac\ta  file:" + secret_file + " \r\n", "keys", false).ok());
  EXPECT_TRUE(TokenKeys::Parse("hmac a base64:" + std::string(43, 'A') + "=", "keys", false).ok());
  // Only what holds a secret itself must be hidden.
  EXPECT_FALSE(TokenKeys::Parse(good, "keys", true).ok());
  EXPECT_TRUE(TokenKeys::Parse("rs256 a file:" + dir_ + "/rsa.pem", "keys", true).ok());
  std::string many;
  for (int i = 0; i < 65; ++i) {
    many += "hmac k" + std::to_string(i) + " hex:" + Hex(kSecret) + "\n";
  }
  const auto too_many = TokenKeys::Parse(many, "keys", false);
  ASSERT_FALSE(too_many.ok());
  EXPECT_EQ(too_many.error().text(), "keys:65: there are more than 64 keys");
}

TEST_F(Tokens, PasswordsInFilesAreChecked) {
  const auto read = [](const std::string& path) {
    auto secret = ReadPasswordFile(path);
    return std::string(secret.ok() ? secret->view() : secret.error().text());
  };
  EXPECT_EQ(read(Put("a", "pass word\r\nsecond\n")), "pass word");
  EXPECT_EQ(read(Put("b", "bare")), "bare");
  EXPECT_EQ(read(Put("c", "x\n", 0640)), "x");
  EXPECT_THAT(read(Put("d", "x\n", 0644)), HasSubstr("everybody may read it"));
  EXPECT_THAT(read(Put("e", "")), HasSubstr("is empty"));
  EXPECT_THAT(read(Put("f", "\nx\n")), HasSubstr("is empty"));
  EXPECT_THAT(read(Put("g", std::string("x\0y", 3))), HasSubstr("NUL"));
  EXPECT_THAT(read(dir_), HasSubstr("Is a directory"));
  EXPECT_THAT(read(Put("h", std::string((1 << 20) + 1, 'x'))), HasSubstr("longer than 1 MiB"));
}

TEST(Secrets, MoveWithoutLeavingACopy) {
  // Short ones, too: a std::string keeps those in itself, and moving copies them.
  Secret first("short");
  const char* const octets = first.view().data();
  Secret second(std::move(first));
  EXPECT_EQ(second.view().data(), octets);
  Secret third("another");
  third = std::move(second);
  EXPECT_EQ(third.view().data(), octets);
  EXPECT_EQ(third.view(), "short");
  EXPECT_TRUE(Secret().empty());
  EXPECT_TRUE(Secret("").empty());
}

TEST(Base64Texts, HaveOneFormOnly) {
  EXPECT_EQ(DecodeBase64Url("Zm9vYg"), "foob");
  EXPECT_EQ(DecodeBase64Url("Zm9vYh"), std::nullopt) << "bits that say nothing";
  EXPECT_EQ(DecodeBase64Url("Zm9vY"), std::nullopt);
  EXPECT_EQ(DecodeBase64Url("Zm9vYg=="), std::nullopt);
  EXPECT_EQ(DecodeBase64Url("Zm9v\nYg"), std::nullopt);
  EXPECT_EQ(DecodeBase64Url("-_8"), "\xfb\xff");
  EXPECT_EQ(DecodeBase64Url("+/8"), std::nullopt);
  EXPECT_EQ(DecodeBase64Url(""), "");
  EXPECT_EQ(DecodeBase64("+/8="), "\xfb\xff");
  EXPECT_EQ(DecodeBase64("+/8"), std::nullopt);
  EXPECT_EQ(DecodeBase64("===="), std::nullopt);
}

TEST(JsonObjects, AreReadAsFarAsTokensNeed) {
  const auto object =
      ParseJsonObject(R"({"s":"x","n":1.5,"l":["a","b"],"e":[],"o":{"s":"y"},"m":[1]})");
  ASSERT_TRUE(object.ok());
  EXPECT_EQ(object->size(), 6U);
  EXPECT_EQ(object->at("s").text, "x");
  EXPECT_EQ(object->at("n").number, 1.5);
  EXPECT_THAT(object->at("l").strings, ElementsAre("a", "b"));
  EXPECT_EQ(object->at("e").kind, JsonValue::Kind::kStrings);
  EXPECT_EQ(object->at("o").kind, JsonValue::Kind::kOther);
  EXPECT_EQ(object->at("m").kind, JsonValue::Kind::kOther);
  EXPECT_TRUE(ParseJsonObject("{}").ok());
  // Work is bounded whatever it holds: 200,000 open brackets end at the ninth.
  EXPECT_EQ(ParseJsonObject(R"({"a":)" + std::string(200'000, '[')).error().text(),
            "it is nested too deeply");
}

}  // namespace
}  // namespace peal::broker
