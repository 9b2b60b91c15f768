// Order and completeness of delivery, with publishers and subscribers on all reactors.

#include <atomic>
#include <map>
#include <thread>

#include "tests/support/behaviour.h"

namespace peal::tests {
namespace {

class PubSubOrder : public Behaviour {
 protected:
  /// `count` threads that run `body(index)`; an exception in one fails the test.
  void Concurrently(int count, const std::function<void(int)>& body) {
    std::vector<std::thread> threads;
    for (int i = 0; i < count; ++i) {
      threads.emplace_back([&body, i] {
        try {
          body(i);
        } catch (const std::exception& error) {
          ADD_FAILURE() << "thread " << i << ": " << error.what();
        }
      });
    }
    for (std::thread& thread : threads) thread.join();
  }

  /// Publishes "<publisher>:<number>" in pipelines of 16 and checks every count.
  void Publish(int publisher, const std::string& channel, int messages, int64_t receivers) {
    Client client = Connect();
    std::vector<std::vector<std::string>> batch;
    for (int i = 0; i < messages; ++i) {
      batch.push_back({"PUBLISH", channel, std::to_string(publisher) + ":" + std::to_string(i)});
      if (batch.size() < 16 && i + 1 < messages) continue;
      for (const Reply& reply : client.Pipeline(batch)) {
        ASSERT_EQ(reply.Show(), ":" + std::to_string(receivers));
      }
      batch.clear();
    }
  }

  /// Whether the numbers of each publisher rise by one from 0, given "<publisher>:<number>".
  static void ExpectOrderOfEachPublisher(const std::vector<std::string>& payloads) {
    std::map<std::string, int> next;
    for (const std::string& payload : payloads) {
      const size_t colon = payload.find(':');
      int& expected = next[payload.substr(0, colon)];
      ASSERT_EQ(std::stoi(payload.substr(colon + 1)), expected) << payload;
      ++expected;
    }
  }
};
INSTANTIATE_TEST_SUITE_P(, PubSubOrder, ::testing::ValuesIn(AllSetups()), SetupName);

TEST_P(PubSubOrder, AllSubscribersSeeOneChannelInTheSameOrderWithoutLoss) {
  constexpr int kPublishers = 4;
  constexpr int kSubscribers = 6;
  constexpr int kMessages = 500;
  std::vector<Client> subscribers;
  for (int i = 0; i < kSubscribers; ++i) {
    subscribers.push_back(Connect());
    Subscribe(subscribers.back(), {"SUBSCRIBE", "news"});
  }
  std::vector<std::vector<std::string>> seen(kSubscribers);
  Concurrently(kPublishers + kSubscribers, [&](int i) {
    if (i < kPublishers) {
      Publish(i, "news", kMessages, kSubscribers);
      return;
    }
    const auto at = static_cast<size_t>(i - kPublishers);
    for (int n = 0; n < kPublishers * kMessages; ++n) {
      seen[at].push_back(subscribers[at].Read().At(2));
    }
  });
  ExpectOrderOfEachPublisher(seen[0]);
  for (const auto& sequence : seen) EXPECT_TRUE(sequence == seen[0]);
}

TEST_P(PubSubOrder, PatternSubscribersSeeTheOrderOfTheChannelToo) {
  constexpr int kPublishers = 3;
  constexpr int kMessages = 200;
  Client direct = Connect();
  Client by_pattern = Connect();
  Client by_both = Connect();
  Subscribe(direct, {"SUBSCRIBE", "news.golf"});
  Subscribe(by_pattern, {"PSUBSCRIBE", "news.*"});
  Subscribe(by_both, {"SUBSCRIBE", "news.golf"});
  Subscribe(by_both, {"PSUBSCRIBE", "*golf"});
  std::vector<std::string> seen[4];
  Concurrently(kPublishers + 3, [&](int i) {
    if (i < kPublishers) {
      Publish(i, "news.golf", kMessages, 4);
      return;
    }
    for (int n = 0; n < kPublishers * kMessages * (i == kPublishers + 2 ? 2 : 1); ++n) {
      if (i == kPublishers) seen[0].push_back(direct.Read().At(2));
      if (i == kPublishers + 1) seen[1].push_back(by_pattern.Read().At(3));
      if (i == kPublishers + 2) {
        const Reply frame = by_both.Read();
        seen[frame.At(0) == "message" ? 2 : 3].push_back(
            frame.At(frame.At(0) == "message" ? 2 : 3));
      }
    }
  });
  ExpectOrderOfEachPublisher(seen[0]);
  for (const auto& sequence : seen) EXPECT_TRUE(sequence == seen[0]);
}

TEST_P(PubSubOrder, OnePublishersMessagesOnSeveralChannelsArriveInPublishOrder) {
  Client subscriber = Connect();
  Subscribe(subscriber, {"SUBSCRIBE", "a", "b", "c", "d"});
  Subscribe(subscriber, {"PSUBSCRIBE", "p*"});
  Client publisher = Connect();
  const std::string channels[] = {"a", "p1", "b", "c", "p2", "d"};
  std::vector<std::vector<std::string>> batch;
  for (int i = 0; i < 600; ++i) {
    batch.push_back({"PUBLISH", channels[i % 6], std::to_string(i)});
  }
  publisher.Pipeline(batch);
  for (int i = 0; i < 600; ++i) {
    ASSERT_EQ(subscriber.Read().items.back().text, std::to_string(i));
  }
}

TEST_P(PubSubOrder, NothingPublishedBeforeSubscribeArrivesAndEverythingAfterDoes) {
  std::atomic<int64_t> started{0};
  std::atomic<int64_t> answered{0};
  std::atomic<bool> is_over{false};
  std::thread publishing([&] {
    try {
      Client publisher = Connect();
      for (int64_t i = 1; !is_over; ++i) {
        started = i;
        publisher.Call({"PUBLISH", "stream", std::to_string(i)});
        answered = i;
      }
    } catch (const std::exception& error) {
      ADD_FAILURE() << error.what();
    }
  });
  try {
    for (int round = 0; round < 40; ++round) {
      Client subscriber = Connect();
      const bool by_pattern = round % 2 == 1;
      const int64_t answered_before = answered;
      subscriber.SendLine(by_pattern ? "PSUBSCRIBE str*m" : "SUBSCRIBE stream");
      subscriber.Read();
      const int64_t started_by_then = started;
      int64_t previous = 0;
      for (int n = 0; n < 20; ++n) {
        const int64_t number = std::stoll(subscriber.Read().items.back().text);
        if (previous == 0) {
          EXPECT_GT(number, answered_before);
          EXPECT_LE(number, started_by_then + 1);
        } else {
          EXPECT_EQ(number, previous + 1);
        }
        previous = number;
      }
    }
  } catch (const std::exception& error) {
    ADD_FAILURE() << error.what();
  }
  is_over = true;
  publishing.join();
}

TEST_P(PubSubOrder, NothingArrivesBehindTheAcknowledgementOfUnsubscribe) {
  std::atomic<bool> is_over{false};
  std::thread publishing([&] {
    try {
      Client publisher = Connect();
      while (!is_over) publisher.Call({"PUBLISH", "stream", "x"});
    } catch (const std::exception& error) {
      ADD_FAILURE() << error.what();
    }
  });
  try {
    Client subscriber = Connect();
    for (int round = 0; round < 60; ++round) {
      const bool by_pattern = round % 2 == 1;
      Subscribe(subscriber, by_pattern ? std::vector<std::string>{"PSUBSCRIBE", "s*"}
                                       : std::vector<std::string>{"SUBSCRIBE", "stream"});
      subscriber.Read();
      subscriber.SendLine(by_pattern ? "PUNSUBSCRIBE s*" : "UNSUBSCRIBE stream");
      const std::string ack = by_pattern ? "punsubscribe" : "unsubscribe";
      while (subscriber.Read().At(0) != ack) {
      }
      EXPECT_EQ(subscriber.Do("ECHO fence"), "'fence'");
    }
  } catch (const std::exception& error) {
    ADD_FAILURE() << error.what();
  }
  is_over = true;
  publishing.join();
}

TEST_P(PubSubOrder, APublishBehindItsOwnSubscribeIsDelivered) {
  Client publisher = Connect();
  for (int i = 0; i < 200; ++i) {
    Client subscriber = Connect();
    const std::string channel = "c" + std::to_string(i);
    Subscribe(subscriber, {i % 2 == 0 ? "SUBSCRIBE" : "PSUBSCRIBE", channel});
    ASSERT_EQ(publisher.Call({"PUBLISH", channel, "x"}).integer, 1);
    ASSERT_EQ(subscriber.Read().items.back().text, "x");
  }
}

TEST_P(PubSubOrder, NothingComesBetweenTheAcknowledgementsOfOneCommand) {
  std::atomic<bool> is_over{false};
  std::thread publishing([&] {
    try {
      Client publisher = Connect();
      while (!is_over) publisher.Call({"PUBLISH", "c0", "x"});
    } catch (const std::exception& error) {
      ADD_FAILURE() << error.what();
    }
  });
  try {
    std::vector<std::string> command{"SUBSCRIBE"};
    for (int i = 0; i < 20; ++i) command.push_back("c" + std::to_string(i));
    for (int round = 0; round < 100; ++round) {
      Client subscriber = Connect();
      subscriber.SendCommand(command);
      for (int i = 0; i < 20; ++i) {
        EXPECT_EQ(Frame(subscriber.Read()),
                  "subscribe c" + std::to_string(i) + " " + std::to_string(i + 1));
      }
    }
  } catch (const std::exception& error) {
    ADD_FAILURE() << error.what();
  }
  is_over = true;
  publishing.join();
}

TEST_P(PubSubOrder, SubscriptionChurnBesidePublishingLosesNothingForOthers) {
  constexpr int kMessages = 1000;
  Client steady = Connect();
  Subscribe(steady, {"SUBSCRIBE", "c"});
  Subscribe(steady, {"PSUBSCRIBE", "c*"});
  std::atomic<bool> is_over{false};
  Concurrently(4, [&](int i) {
    if (i == 0) {
      Client publisher = Connect();
      for (int n = 0; n < kMessages; ++n) {
        ASSERT_GE(publisher.Call({"PUBLISH", "c", std::to_string(n)}).integer, 2);
      }
      is_over = true;
    } else if (i == 1) {
      for (int n = 0; n < kMessages; ++n) {
        ASSERT_EQ(Frame(steady.Read()), "message c " + std::to_string(n));
        ASSERT_EQ(Frame(steady.Read()), "pmessage c* c " + std::to_string(n));
      }
    } else {
      while (!is_over) {
        Client client = Connect();
        Subscribe(client, {"SUBSCRIBE", "c", "x"});
        client.SendLine("PSUBSCRIBE c* ?");
        if (i == 3) continue;  // goes without a word
        client.SendLine("RESET");
        while (client.Read().Show() != "RESET") {
        }
      }
    }
  });
}

}  // namespace
}  // namespace peal::tests
