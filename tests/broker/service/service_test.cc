#include <gtest/gtest.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstring>
#include <fstream>

#include "broker/service/notify.h"
#include "broker/service/process.h"

namespace peal::broker {
namespace {

/// A service manager's end of NOTIFY_SOCKET.
class Manager {
 public:
  explicit Manager(const std::string& path) : path_(path) {
    fd_ = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    sockaddr_un address = {};
    address.sun_family = AF_UNIX;
    memcpy(address.sun_path, path.data(), path.size());
    if (path[0] == '@') address.sun_path[0] = '\0';
    const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + path.size());
    is_bound_ = bind(fd_, reinterpret_cast<const sockaddr*>(&address), size) == 0;
  }
  ~Manager() {
    close(fd_);
    if (path_[0] != '@') unlink(path_.c_str());
  }
  bool is_bound() const { return is_bound_; }
  std::string Receive() const {
    char buffer[512];
    const ssize_t got = recv(fd_, buffer, sizeof(buffer), MSG_DONTWAIT);
    return got < 0 ? "" : std::string(buffer, static_cast<size_t>(got));
  }

 private:
  std::string path_;
  int fd_;
  bool is_bound_ = false;
};

TEST(ServiceNotifier, SendsEachStateAsOneDatagram) {
  for (const std::string& path : {"/tmp/peal-notify-" + std::to_string(getpid()),
                                  "@peal-notify-" + std::to_string(getpid())}) {
    const Manager manager(path);
    ASSERT_TRUE(manager.is_bound());
    const ServiceNotifier notifier(path, 3'000'000);
    notifier.Ready();
    EXPECT_EQ(manager.Receive(), "READY=1");
    notifier.Status("serving\n7 clients");
    EXPECT_EQ(manager.Receive(), "STATUS=serving 7 clients");
    notifier.Watchdog();
    EXPECT_EQ(manager.Receive(), "WATCHDOG=1");
    notifier.Stopping();
    EXPECT_EQ(manager.Receive(), "STOPPING=1");
    EXPECT_EQ(notifier.watchdog_interval_ms(), 1500u);
  }
}

TEST(ServiceNotifier, IsSilentWithoutAManager) {
  const ServiceNotifier off{std::string()};
  EXPECT_FALSE(off.is_on());
  EXPECT_FALSE(off.Send("READY=1"));
  const ServiceNotifier gone("/nonexistent/notify");
  EXPECT_FALSE(gone.Send("READY=1"));
  EXPECT_FALSE(ServiceNotifier("relative").is_on());
  EXPECT_FALSE(ServiceNotifier("/" + std::string(200, 'x')).is_on());
}

TEST(ServiceNotifier, TakesTheWatchdogOnlyIfItIsOurs) {
  setenv("NOTIFY_SOCKET", "@peal", 1);
  setenv("WATCHDOG_USEC", "2000000", 1);
  setenv("WATCHDOG_PID", std::to_string(getpid()).c_str(), 1);
  EXPECT_EQ(ServiceNotifier::FromEnvironment().watchdog_interval_ms(), 1000u);
  setenv("WATCHDOG_PID", "1", 1);
  EXPECT_EQ(ServiceNotifier::FromEnvironment().watchdog_interval_ms(), 0u);
  unsetenv("NOTIFY_SOCKET");
  unsetenv("WATCHDOG_USEC");
  unsetenv("WATCHDOG_PID");
  EXPECT_FALSE(ServiceNotifier::FromEnvironment().is_on());
}

TEST(PidFile, IsRemovedOnlyByItsOwner) {
  const std::string path = "/tmp/peal-pid-" + std::to_string(getpid());
  ASSERT_TRUE(WritePidFile(path).ok());
  std::string text;
  std::getline(std::ifstream(path), text);
  EXPECT_EQ(text, std::to_string(getpid()));
  std::ofstream(path) << "1\n";
  RemovePidFile(path);
  EXPECT_EQ(access(path.c_str(), F_OK), 0);
  ASSERT_TRUE(WritePidFile(path).ok());
  RemovePidFile(path);
  EXPECT_NE(access(path.c_str(), F_OK), 0);
  EXPECT_EQ(WritePidFile("/nonexistent/pid").error().text(),
            "Can't write the pid file '/nonexistent/pid': No such file or directory");
}

TEST(Signals, HaveNames) {
  EXPECT_EQ(SignalName(SIGTERM), "SIGTERM");
  EXPECT_EQ(SignalName(SIGHUP), "SIGHUP");
  EXPECT_EQ(SignalName(12345), "signal 12345");
}

}  // namespace
}  // namespace peal::broker
