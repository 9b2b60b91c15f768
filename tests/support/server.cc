#include "tests/support/server.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>
#include <random>
#include <sstream>
#include <stdexcept>
#include <thread>

#include "tests/support/certificates.h"

#ifndef PEAL_SERVER_PATH
#define PEAL_SERVER_PATH "peal-server"
#endif

namespace peal::tests {
namespace {

constexpr Milliseconds kPollInterval{5};
constexpr int kStartAttempts = 3;

bool IsRedis(const std::string& program) {
  return std::filesystem::path(program).filename().string().starts_with("redis-server");
}

std::vector<char*> ToArgv(std::vector<std::string>& words) {
  std::vector<char*> argv;
  for (std::string& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);
  return argv;
}

/// The environment without PEAL_*: the server takes directives from there, those of the tests are
/// not for it.
std::vector<std::string> ServerEnvironment() {
  std::vector<std::string> kept;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    if (!std::string_view(*entry).starts_with("PEAL_")) kept.emplace_back(*entry);
  }
  return kept;
}

/// Starts a child with its output in `output_fd`. It dies with this thread, so that no server is
/// left behind by a test program that was killed.
pid_t Spawn(std::vector<std::string> words, int input_fd, int output_fd) {
  std::vector<char*> argv = ToArgv(words);
  std::vector<std::string> environment = ServerEnvironment();
  std::vector<char*> envp = ToArgv(environment);
  const pid_t pid = fork();
  if (pid < 0) throw std::runtime_error("fork failed");
  if (pid == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (input_fd >= 0) dup2(input_fd, STDIN_FILENO);
    dup2(output_fd, STDOUT_FILENO);
    dup2(output_fd, STDERR_FILENO);
    execvpe(argv[0], argv.data(), envp.data());
    dprintf(STDERR_FILENO, "cannot run %s: %s\n", argv[0], strerror(errno));
    _exit(127);
  }
  return pid;
}

int ToExitCode(int status) {
  return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

/// Waits for `pid`; false when the deadline passes first.
bool WaitForProcess(pid_t pid, const Deadline& deadline, int* exit_code) {
  int status = 0;
  while (waitpid(pid, &status, WNOHANG) == 0) {
    if (deadline.HasPassed()) return false;
    std::this_thread::sleep_for(kPollInterval);
  }
  *exit_code = ToExitCode(status);
  return true;
}

bool Accepts(int port) {
  try {
    Client client = Client::Tcp(port);
    client.Call({"PING"});  // NOAUTH will do: somebody answers
    return true;
  } catch (const std::exception&) {
    return false;
  }
}

}  // namespace

std::string ServerUnderTest() {
  const char* chosen = std::getenv("PEAL_SERVER");
  return chosen != nullptr && *chosen != '\0' ? chosen : PEAL_SERVER_PATH;
}

bool IsReferenceUnderTest() { return IsRedis(ServerUnderTest()); }

ServerOptions RedisReference() {
  ServerOptions options;
  options.program = "redis-server";
  return options;
}

int FreePort() {
  // Below those that the system gives to connections: another program's may take none of them
  // before the server does.
  constexpr int kFirst = 10'000;
  constexpr int kPorts = 20'000;
  constexpr int kTries = 1000;
  static std::mt19937 random{std::random_device{}()};
  for (int i = 0; i < kTries; ++i) {
    const int port = kFirst + static_cast<int>(random() % kPorts);
    const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<uint16_t>(port));
    const bool is_free = bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
    close(fd);
    if (is_free) return port;
  }
  throw std::runtime_error("no free port");
}

std::string MakeTemporaryDirectory() {
  std::string path = (std::filesystem::temp_directory_path() / "peal-test-XXXXXX").string();
  if (mkdtemp(path.data()) == nullptr) throw std::runtime_error("mkdtemp failed");
  return path;
}

std::string ReadFile(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

void WriteFile(const std::string& path, std::string_view text) {
  std::ofstream(path, std::ios::binary) << text;
}

Server::Server(ServerOptions options)
    : options_(std::move(options)),
      program_(options_.program.empty() ? ServerUnderTest() : options_.program),
      dir_(MakeTemporaryDirectory()),
      is_reference_(IsRedis(program_)) {
  for (int attempt = 1;; ++attempt) {
    Start();
    const Deadline deadline;
    while (IsAlive() && !Accepts(port_)) {
      if (deadline.HasPassed()) break;
      std::this_thread::sleep_for(kPollInterval);
    }
    if (IsAlive() && !deadline.HasPassed()) return;
    if (IsAlive()) kill(pid_, SIGKILL);
    // Somebody may have taken the port between looking for it and binding to it.
    if (attempt == kStartAttempts) throw std::runtime_error(program_ + " did not start:\n" + Log());
  }
}

void Server::Start() {
  port_ = FreePort();
  std::vector<std::string> words{program_};
  if (!options_.config_file.empty()) {
    WriteFile(dir_ + "/server.conf", options_.config_file);
    words.push_back(dir_ + "/server.conf");
  }
  const auto add = [&words](std::initializer_list<std::string> more) {
    words.insert(words.end(), more);
  };
  add({"--port", std::to_string(port_), "--dir", dir_, "--logfile", dir_ + "/server.log"});
  if (!options_.without_debug) add({"--enable-debug-command", "yes"});
  if (is_reference_) {
    add({"--save", ""});
  } else {
    add({"--io-threads", std::to_string(options_.reactors)});
    add({"--keyspace-stripes", std::to_string(options_.stripes)});
  }
  if (options_.tls) {
    const TlsFiles& files = TlsFiles::Shared();
    tls_port_ = FreePort();
    add({"--tls-port", std::to_string(tls_port_), "--tls-cert-file", files.server_cert,
         "--tls-key-file", files.server_key, "--tls-ca-cert-file", files.ca, "--tls-auth-clients",
         "optional"});
  }
  words.insert(words.end(), options_.args.begin(), options_.args.end());
  const int output = open((dir_ + "/output.txt").c_str(), O_CREAT | O_WRONLY | O_APPEND | O_CLOEXEC,
                          S_IRUSR | S_IWUSR);
  pid_ = Spawn(words, -1, output);
  close(output);
  exit_code_ = -1;
}

Client Server::Connect(int receive_buffer_bytes) const {
  if (!options_.tls) return Client::Tcp(port_, receive_buffer_bytes);
  return Client::Tls(tls_port_, {.ca = TlsFiles::Shared().ca}, receive_buffer_bytes);
}

Server::~Server() {
  try {
    if (exit_code_ < 0 && pid_ > 0) {
      const int code = Stop();
      EXPECT_EQ(code, 0) << "the server did not end cleanly:\n" << Log();
    }
    CheckLogForReports();
  } catch (const std::exception& error) {
    ADD_FAILURE() << error.what();
  }
  if (std::getenv("PEAL_KEEP_LOGS") != nullptr) {
    std::cerr << "log kept in " << dir_ << '\n';
    return;
  }
  std::error_code ignored;
  std::filesystem::remove_all(dir_, ignored);
}

void Server::CheckLogForReports() const {
  const std::string log = Log();
  for (const char* sign : {"AddressSanitizer", "ThreadSanitizer", "LeakSanitizer",
                           "UndefinedBehaviorSanitizer", "runtime error:", "PEAL_CHECK"}) {
    EXPECT_EQ(log.find(sign), std::string::npos) << "the server's log has a report:\n" << log;
  }
}

bool Server::IsAlive() {
  if (exit_code_ >= 0 || pid_ <= 0) return false;
  int status = 0;
  if (waitpid(pid_, &status, WNOHANG) == 0) return true;
  exit_code_ = ToExitCode(status);
  return false;
}

std::string Server::Log() const {
  return ReadFile(dir_ + "/server.log") + ReadFile(dir_ + "/output.txt");
}

bool Server::WaitForLog(std::string_view text) const {
  const Deadline deadline;
  while (Log().find(text) == std::string::npos) {
    if (deadline.HasPassed()) return false;
    std::this_thread::sleep_for(kPollInterval);
  }
  return true;
}

void Server::Signal(int number) const {
  if (pid_ > 0 && exit_code_ < 0) kill(pid_, number);
}

int Server::WaitForExit() {
  if (exit_code_ >= 0) return exit_code_;
  const Deadline deadline(2 * kPatience);
  if (!WaitForProcess(pid_, deadline, &exit_code_)) {
    kill(pid_, SIGKILL);
    WaitForProcess(pid_, Deadline{}, &exit_code_);
    throw std::runtime_error("the server did not end in time:\n" + Log());
  }
  return exit_code_;
}

int Server::Stop() {
  Signal(SIGTERM);
  return WaitForExit();
}

size_t Server::ResidentBytes() const {
  std::ifstream file("/proc/" + std::to_string(pid_) + "/statm");
  size_t total_pages = 0;
  size_t resident_pages = 0;
  file >> total_pages >> resident_pages;
  return resident_pages * static_cast<size_t>(sysconf(_SC_PAGESIZE));
}

Milliseconds Server::CpuTime() const {
  const std::string text = ReadFile("/proc/" + std::to_string(pid_) + "/stat");
  // The name in parentheses may hold spaces; utime and stime are the fields 14 and 15. See proc(5).
  std::istringstream fields(text.substr(text.rfind(')') + 1));
  std::string skipped;
  for (int field = 3; field < 14; ++field) fields >> skipped;
  int64_t user_ticks = 0;
  int64_t system_ticks = 0;
  fields >> user_ticks >> system_ticks;
  return Milliseconds{(user_ticks + system_ticks) * 1000 / sysconf(_SC_CLK_TCK)};
}

size_t Server::OpenDescriptors() const {
  const std::filesystem::directory_iterator open("/proc/" + std::to_string(pid_) + "/fd");
  return static_cast<size_t>(std::distance(begin(open), end(open)));
}

ProgramResult RunProgram(const std::string& program, const std::vector<std::string>& args,
                         const std::string& input) {
  const std::string dir = MakeTemporaryDirectory();
  WriteFile(dir + "/in", input);
  const int in = open((dir + "/in").c_str(), O_RDONLY | O_CLOEXEC);
  const int out =
      open((dir + "/out").c_str(), O_CREAT | O_WRONLY | O_APPEND | O_CLOEXEC, S_IRUSR | S_IWUSR);
  std::vector<std::string> words{program};
  words.insert(words.end(), args.begin(), args.end());
  const pid_t pid = Spawn(words, in, out);
  close(in);
  close(out);
  ProgramResult result;
  if (!WaitForProcess(pid, Deadline{}, &result.exit_code)) {
    kill(pid, SIGKILL);
    WaitForProcess(pid, Deadline{}, &result.exit_code);
  }
  result.output = ReadFile(dir + "/out");
  std::filesystem::remove_all(dir);
  return result;
}

}  // namespace peal::tests
