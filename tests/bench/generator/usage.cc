#include "usage.h"

#include <dirent.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>

#include "base.h"

namespace peal::bench {
namespace {

double OwnCpuUs() {
  rusage usage;
  getrusage(RUSAGE_SELF, &usage);
  return double(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1e6 +
         double(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec);
}

// Of everything on the machine, in ticks of 10 ms: only good for noticing that others work too.
double MachineCpuUs() {
  double user = 0, nice = 0, system = 0, idle = 0, wait = 0, irq = 0, soft = 0, steal = 0;
  std::sscanf(ReadFile("/proc/stat").c_str(), "cpu %lf %lf %lf %lf %lf %lf %lf %lf", &user, &nice,
              &system, &idle, &wait, &irq, &soft, &steal);
  return (user + nice + system + irq + soft + steal) * 1e6 / double(sysconf(_SC_CLK_TCK));
}

}  // namespace

double ServerCpuUs() {
  const std::string tasks = Format("/proc/%d/task", g_options.server_pid);
  DIR* directory = opendir(tasks.c_str());
  if (directory == nullptr) Die("server process %d is gone", g_options.server_pid);
  double total_ns = 0;
  while (const dirent* entry = readdir(directory)) {
    if (entry->d_name[0] == '.') continue;
    total_ns += std::atof(ReadFile(tasks + "/" + entry->d_name + "/schedstat").c_str());
  }
  closedir(directory);
  return total_ns / 1000.0;
}

double ServerRssBytes() {
  const std::string status = ReadFile(Format("/proc/%d/status", g_options.server_pid));
  constexpr char kKey[] = "VmRSS:";
  const size_t at = status.find(kKey);
  return at == std::string::npos ? 0 : std::atof(status.c_str() + at + std::strlen(kKey)) * 1024;
}

void Window::Begin() {
  all_before_us_ = MachineCpuUs();
  server_before_us_ = ServerCpuUs();
  own_before_us_ = OwnCpuUs();
  began_ns_ = NowNs();
}

void Window::End() {
  wall_s_ = double(NowNs() - began_ns_) / 1e9;
  server_us_ = ServerCpuUs() - server_before_us_;
  own_us_ = OwnCpuUs() - own_before_us_;
  all_us_ = MachineCpuUs() - all_before_us_;
}

Row& Window::Put(Row& row, uint64_t operations) const {
  const double wall_us = wall_s_ * 1e6;
  row.Number("ops_s", double(operations) / wall_s_);
  row.Number("srv_us_op", operations ? server_us_ / double(operations) : 0);
  row.Number("srv_util", server_us_ / wall_us).Number("gen_util", own_us_ / wall_us);
  row.Number("foreign", std::max(0.0, all_us_ - server_us_ - own_us_) / wall_us);
  if (!g_options.spin && own_us_ / wall_us > 0.90)
    row.Text("note", "generator saturated: throughput is a lower bound");
  return row;
}

}  // namespace peal::bench
