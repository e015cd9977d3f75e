#include "tests/testing/certificates.h"

#include <openssl/bio.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>

#include <cstddef>
#include <fstream>
#include <iterator>
#include <memory>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "tests/testing/temp_dir.h"

namespace understudy::testing {
namespace {

struct Freed {
  void operator()(BIO* bio) const { BIO_free_all(bio); }
  void operator()(X509* certificate) const { X509_free(certificate); }
  void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
  void operator()(X509_STORE* store) const { X509_STORE_free(store); }
  void operator()(X509_STORE_CTX* context) const { X509_STORE_CTX_free(context); }
  void operator()(STACK_OF(X509) * stack) const { sk_X509_pop_free(stack, X509_free); }
};
template <typename T>
using Owned = std::unique_ptr<T, Freed>;

std::vector<Owned<X509>> ReadChain(const std::string& pem) {
  const Owned<BIO> bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  std::vector<Owned<X509>> chain;
  while (X509* next = PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr)) {
    chain.emplace_back(next);
  }
  return chain;
}

// What a strict client of today makes of the chain: X509_V_OK or the first error.
int Verify(const std::string& chain_pem, const std::string& ca_pem, const std::string& host) {
  const std::vector<Owned<X509>> chain = ReadChain(chain_pem);
  const Owned<X509> root = std::move(ReadChain(ca_pem).at(0));
  const Owned<X509_STORE> store(X509_STORE_new());
  X509_STORE_add_cert(store.get(), root.get());
  const Owned<STACK_OF(X509)> others(sk_X509_new_null());
  for (size_t i = 1; i < chain.size(); ++i) {
    X509_up_ref(chain[i].get());
    sk_X509_push(others.get(), chain[i].get());
  }
  const Owned<X509_STORE_CTX> context(X509_STORE_CTX_new());
  X509_STORE_CTX_init(context.get(), store.get(), chain.at(0).get(), others.get());
  X509_STORE_CTX_set_purpose(context.get(), X509_PURPOSE_SSL_SERVER);
  X509_VERIFY_PARAM* const param = X509_STORE_CTX_get0_param(context.get());
  X509_VERIFY_PARAM_set_auth_level(param, 2);
  if (X509_VERIFY_PARAM_set1_ip_asc(param, host.c_str()) != 1) {
    X509_VERIFY_PARAM_set1_host(param, host.data(), host.size());
  }
  X509_verify_cert(context.get());
  return X509_STORE_CTX_get_error(context.get());
}

struct Case {
  const char* name = "";
  CertificateOptions options = {};
  const char* host = "origin.test";
  int error = X509_V_OK;
};

void PrintTo(const Case& item, std::ostream* out) {
  *out << item.name;
}

class CertificatesTest : public ::testing::TestWithParam<Case> {};

TEST_P(CertificatesTest, IsJudgedAsOrdered) {
  const TestAuthority authority;
  const Certificate issued = authority.Issue(GetParam().options);
  EXPECT_EQ(Verify(issued.chain_pem, authority.ca_pem(), GetParam().host), GetParam().error);
  const Owned<BIO> bio(
      BIO_new_mem_buf(issued.key_pem.data(), static_cast<int>(issued.key_pem.size())));
  const Owned<EVP_PKEY> key(PEM_read_bio_PrivateKey(bio.get(), nullptr, nullptr, nullptr));
  EXPECT_EQ(X509_check_private_key(ReadChain(issued.chain_pem).at(0).get(), key.get()), 1);
}

INSTANTIATE_TEST_SUITE_P(
    Kinds, CertificatesTest,
    ::testing::Values(
        Case{"Good", {.dns_names = {"origin.test"}}},
        Case{"SecondName", {.dns_names = {"other.test", "origin.test"}}},
        Case{"Wildcard", {.dns_names = {"*.origin.test"}}, "a.origin.test"},
        Case{"Ipv4", {.ip_addresses = {"127.0.0.1"}}, "127.0.0.1"},
        Case{"Ipv6", {.ip_addresses = {"127.0.0.1", "::1"}}, "::1"},
        Case{"Rsa2048", {.dns_names = {"origin.test"}, .rsa_bits = 2048}},
        Case{"ThreeIntermediates", {.dns_names = {"origin.test"}, .intermediates = 3}},
        Case{"NotBeforeIsPast", {.dns_names = {"origin.test"}, .not_before = -absl::Seconds(1)}},
        Case{"LastSeconds", {.dns_names = {"origin.test"}, .not_after = absl::Seconds(30)}},
        Case{"Expired",
             {.dns_names = {"origin.test"}, .not_after = -absl::Seconds(1)},
             "origin.test",
             X509_V_ERR_CERT_HAS_EXPIRED},
        Case{"NotYetValid",
             {.dns_names = {"origin.test"}, .not_before = absl::Seconds(30)},
             "origin.test",
             X509_V_ERR_CERT_NOT_YET_VALID},
        Case{"OtherName",
             {.dns_names = {"other.test"}},
             "origin.test",
             X509_V_ERR_HOSTNAME_MISMATCH},
        Case{"AddressWithoutAddressName",
             {.dns_names = {"127.0.0.1"}, .common_name = "127.0.0.1"},
             "127.0.0.1",
             X509_V_ERR_IP_ADDRESS_MISMATCH},
        Case{"WildcardOfATopLevel",
             {.dns_names = {"*.test"}},
             "origin.test",
             X509_V_ERR_HOSTNAME_MISMATCH},
        Case{"WildcardNotLeftmost",
             {.dns_names = {"a.*.test"}},
             "a.origin.test",
             X509_V_ERR_HOSTNAME_MISMATCH},
        Case{"NulInName",
             {.dns_names = {std::string("origin.test\0.evil.test", 22)}},
             "origin.test",
             X509_V_ERR_HOSTNAME_MISMATCH},
        Case{"SelfSigned",
             {.dns_names = {"origin.test"}, .is_self_signed = true},
             "origin.test",
             X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT},
        Case{"IntermediateMissing",
             {.dns_names = {"origin.test"}, .intermediates = 1, .omits_intermediates = true},
             "origin.test",
             X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY},
        Case{"ShortKey",
             {.dns_names = {"origin.test"}, .rsa_bits = 1024},
             "origin.test",
             X509_V_ERR_EE_KEY_TOO_SMALL},
        Case{"Sha1",
             {.dns_names = {"origin.test"}, .is_sha1 = true},
             "origin.test",
             X509_V_ERR_CA_MD_TOO_WEAK},
        Case{"ManyExtensions",
             {.dns_names = {"origin.test"},
              .extra_extensions = 1000,
              .extra_extension_bytes = 100}}),
    [](const auto& kind) { return kind.param.name; });

TEST(CertificatesSizeTest, PaddingReachesWhatItSays) {
  const Certificate issued =
      TestAuthority().Issue({.extra_extensions = 1000, .extra_extension_bytes = 100});
  const std::vector<Owned<X509>> chain = ReadChain(issued.chain_pem);
  EXPECT_GT(i2d_X509(chain.at(0).get(), nullptr), 100 * 1024);
}

TEST(CertificatesChainTest, ListsTheLeafThenItsIssuersAndNeverTheRoot) {
  const std::vector<Owned<X509>> chain =
      ReadChain(TestAuthority().Issue({.intermediates = 2}).chain_pem);
  ASSERT_EQ(chain.size(), 3u);
  EXPECT_EQ(X509_check_issued(chain[1].get(), chain[0].get()), X509_V_OK);
  EXPECT_EQ(X509_check_issued(chain[2].get(), chain[1].get()), X509_V_OK);
}

TEST(TestAuthorityTest, OthersAreStrangers) {
  const TestAuthority ours("ours");
  const TestAuthority theirs("theirs");
  const Certificate issued = theirs.Issue({.dns_names = {"origin.test"}});
  EXPECT_EQ(Verify(issued.chain_pem, ours.ca_pem(), "origin.test"),
            X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY);
}

TEST(TestAuthorityTest, WritesItsRoot) {
  const TempDir dir;
  const TestAuthority authority;
  std::ifstream file(authority.WriteCaFile(dir.path()));
  EXPECT_EQ(std::string(std::istreambuf_iterator<char>(file), {}), authority.ca_pem());
}

}  // namespace
}  // namespace understudy::testing
