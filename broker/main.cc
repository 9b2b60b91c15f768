// peal-server: wiring only.
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <vector>

#include "broker/acl/users.h"
#include "broker/auth/authenticator.h"
#include "broker/config/check_system.h"
#include "broker/config/options.h"
#include "broker/config/reference.h"
#include "broker/config/store.h"
#include "broker/exec/server.h"
#include "broker/log/log.h"
#include "broker/service/proc_title.h"
#include "broker/service/process.h"

namespace {

using peal::broker::Config;
using peal::broker::ConfigStore;
using peal::broker::Options;

int Fail(std::string_view text) {
  std::fprintf(stderr, "%.*s\n", static_cast<int>(text.size()), text.data());
  return 1;
}

int Serve(std::unique_ptr<ConfigStore> store, const std::string& executable) {
  const Config& config = store->config();
  if (!config.dir.empty() && ::chdir(config.dir.c_str()) != 0) {
    return Fail("cannot use directory '" + config.dir + "' (dir): does it exist, may we enter it?");
  }
  if (config.daemonize) {
    const auto detached = peal::broker::Daemonize();
    if (!detached.ok()) return Fail(detached.error().text());
  }
  const auto opened = peal::broker::Log::Init(peal::broker::LogOptions::From(config));
  if (!opened.ok()) return Fail(opened.error().text());
  for (const auto& notice : store->Notices()) {
    if (notice.is_warning) {
      peal::broker::LogWarning("{}", notice.text);
    } else {
      peal::broker::LogNotice("{}", notice.text);
    }
  }
  std::string pidfile = config.pidfile;
  if (pidfile.empty() && config.daemonize) pidfile = "/run/peal.pid";
  int code = 1;
  {
    // Written down before clients can change them.
    const std::string where =
        "port " + std::to_string(config.port) +
        (config.tls_port == 0 ? std::string() : ", TLS port " + std::to_string(config.tls_port)) +
        (config.unixsocket.empty() ? std::string() : ", unix socket " + config.unixsocket);
    peal::broker::Server server(std::move(store), executable);
    const auto started = server.Start();
    if (!started.ok()) {
      std::string_view reason = started.error().text();
      if (reason.starts_with("ERR ")) reason.remove_prefix(4);
      peal::broker::LogWarning("not started: {}", reason);
      peal::broker::Log::Flush();
      return 1;
    }
    if (!pidfile.empty()) {
      const auto written = peal::broker::WritePidFile(pidfile);
      if (!written.ok()) peal::broker::LogWarning("{}", written.error().text());
    }
    peal::broker::LogNotice("Peal {} ({}) ready: {}, {} reactors, {} stripes, pid {}",
                            peal::broker::PealVersion(), peal::broker::PealCommit(), where,
                            server.reactor_count(), server.keyspace().stripe_count(), ::getpid());
    code = server.Wait();
    if (!pidfile.empty()) peal::broker::RemovePidFile(pidfile);
  }
  peal::broker::Log::Flush();
  return code;
}

}  // namespace

int main(int argc, char** argv) {
  const std::vector<std::string> args(argv + 1, argv + argc);
  const std::string executable = argv[0];
  const Options options = peal::broker::ParseOptions(args);
  switch (options.mode) {
    case Options::Mode::kHelp:
      std::fputs(peal::broker::HelpText().c_str(), stdout);
      return 0;
    case Options::Mode::kVersion:
      std::fputs(peal::broker::VersionText().c_str(), stdout);
      return 0;
    case Options::Mode::kPrintConfigReference:
      std::fputs(peal::broker::ConfigReference().c_str(), stdout);
      return 0;
    default:
      break;
  }
  auto store = std::make_unique<ConfigStore>();
  const auto loaded = store->ApplyArgs(options.config_args, environ);
  if (!loaded.ok()) return Fail(loaded.error().text());
  // Overwritten where the system shows them, before ProcTitle looks for room there and copies them.
  const std::vector<std::string> secrets = ConfigStore::MaskSecrets(environ);
  peal::broker::ProcTitle::Init(argc, argv);
  for (const std::string& name : secrets) ::unsetenv(name.c_str());
  if (options.mode == Options::Mode::kTestConfig) {
    const peal::broker::CommandTable commands;
    if (const auto users = peal::broker::AclUsers(commands).Start(*store); !users.ok()) {
      return Fail(store->WithSource(users.error()).text());
    }
    const auto tokens = peal::broker::TokenAuthenticator::Make(store->config());
    if (!tokens.ok()) {
      const std::string text = "auth-token-file: " + std::string(tokens.error().text());
      return Fail(store->WithSource(peal::protocol::Error::Owned(text)).text());
    }
    std::fputs(store->Describe().c_str(), stdout);
    return 0;
  }
  if (options.mode == Options::Mode::kCheckSystem) {
    const auto findings = peal::broker::CheckSystem(store->config());
    std::fputs(peal::broker::FormatFindings(findings).c_str(), stdout);
    return peal::broker::AreAllFine(findings) ? 0 : 1;
  }
  return Serve(std::move(store), executable);
}
