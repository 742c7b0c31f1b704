#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <unistd.h>

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/write.hpp>
#include <filesystem>
#include <thread>

#include "http/client.hpp"

namespace souk::http {
namespace {

// A key and a certificate for "localhost" that it signed itself, as PEM files in a folder of their own.
struct Certificate {
  Certificate() : folder(std::filesystem::temp_directory_path() / ("souk-tls-" + std::to_string(getpid()))) {
    std::filesystem::create_directories(folder);
    EVP_PKEY* key = EVP_EC_gen("P-256");
    X509* x509 = X509_new();
    X509_set_version(x509, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(x509), 1);
    X509_gmtime_adj(X509_getm_notBefore(x509), -60);
    X509_gmtime_adj(X509_getm_notAfter(x509), 3600);
    X509_set_pubkey(x509, key);
    X509_NAME_add_entry_by_txt(X509_get_subject_name(x509), "CN", MBSTRING_ASC,
                               reinterpret_cast<const unsigned char*>("localhost"), -1, -1, 0);
    X509_set_issuer_name(x509, X509_get_subject_name(x509));
    X509_EXTENSION* names = X509V3_EXT_conf_nid(nullptr, nullptr, NID_subject_alt_name, "DNS:localhost");
    X509_add_ext(x509, names, -1);
    X509_sign(x509, key, EVP_sha256());
    write(key_file(), [&](FILE* file) { PEM_write_PrivateKey(file, key, nullptr, nullptr, 0, nullptr, nullptr); });
    write(file(), [&](FILE* file) { PEM_write_X509(file, x509); });
    X509_EXTENSION_free(names);
    X509_free(x509);
    EVP_PKEY_free(key);
  }
  ~Certificate() { std::filesystem::remove_all(folder); }
  Certificate(const Certificate&) = delete;
  Certificate& operator=(const Certificate&) = delete;

  std::string file() const { return folder / "certificate.pem"; }
  std::string key_file() const { return folder / "key.pem"; }

  std::filesystem::path folder;

 private:
  template <class F>
  static void write(const std::string& path, F f) {
    FILE* file = std::fopen(path.c_str(), "w");
    f(file);
    std::fclose(file);
  }
};

// Answers each of `count` connections once.
class TlsServer {
 public:
  TlsServer(const Certificate& certificate, int count) : acceptor_(io_, {asio::ip::address_v4::loopback(), 0}) {
    context_.use_certificate_chain_file(certificate.file());
    context_.use_private_key_file(certificate.key_file(), asio::ssl::context::pem);
    thread_ = std::jthread([this, count] {
      for (int i = 0; i < count; ++i) answer();
    });
  }
  std::uint16_t port() const { return acceptor_.local_endpoint().port(); }

 private:
  void answer() {
    boost::system::error_code error;
    asio::ssl::stream<asio::ip::tcp::socket> stream(acceptor_.accept(), context_);
    stream.handshake(asio::ssl::stream_base::server, error);
    if (error) return;
    char bytes[4096];
    stream.read_some(asio::buffer(bytes), error);
    asio::write(stream, asio::buffer(std::string("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nsafe")), error);
  }

  asio::io_context io_;
  asio::ssl::context context_{asio::ssl::context::tls_server};
  asio::ip::tcp::acceptor acceptor_;
  std::jthread thread_;
};

TEST(ClientTls, PeerIsVerified) {
  const Certificate certificate;
  Runtime runtime(1);
  const TlsServer server(certificate, 3);
  const auto port = std::to_string(server.port());
  Client trusting(runtime, {.connect_timeout = std::chrono::seconds(2), .ca_file = certificate.file()});
  EXPECT_EQ(runtime.block_on(trusting.fetch(Context(), {.url = "https://localhost:" + port + "/"})).body, "safe");
  // The certificate does not name this address.
  EXPECT_THROW(runtime.block_on(trusting.fetch(Context(), {.url = "https://127.0.0.1:" + port + "/"})), Unavailable);
  Client other(runtime, {.connect_timeout = std::chrono::seconds(2)});
  EXPECT_THROW(runtime.block_on(other.fetch(Context(), {.url = "https://localhost:" + port + "/"})), Unavailable);
}

}  // namespace
}  // namespace souk::http
