// The geospatial commands. Expected replies were observed on redis-server 7.0.15.

#include "tests/support/behaviour.h"

namespace peal::tests {
namespace {

class Geo : public Behaviour {
 protected:
  struct Step {
    const char* command;
    const char* reply;
    const char* resp3_reply = nullptr;  // where it differs
  };
  void Run(const std::vector<Step>& steps) {
    Client client = Connect();
    for (const Step& step : steps) {
      const bool differs = resp() == 3 && step.resp3_reply != nullptr;
      EXPECT_EQ(client.Do(step.command), differs ? step.resp3_reply : step.reply) << step.command;
    }
  }
};
INSTANTIATE_TEST_SUITE_P(, Geo, ::testing::ValuesIn(AllSetups()), SetupName);

TEST_P(Geo, AddsAndFindsPlaces) {
  Run({
      {"GEOADD Sicily 13.361389 38.115556 Palermo 15.087269 37.502669 Catania", ":2"},
      {"GEOADD Sicily NX 1 1 Palermo", ":0"},
      {"GEOADD Sicily CH 13.5 38 Palermo", ":1"},
      {"GEOADD Sicily XX CH 13.361389 38.115556 Palermo 1 1 Nowhere", ":1"},
      {"ZSCORE Sicily Palermo", "'3479099956230698'", ",3479099956230698"},
      {"ZRANGE Sicily 0 -1", "['Palermo', 'Catania']"},
      {"GEODIST Sicily Palermo Catania", "'166274.1516'"},
      {"GEODIST Sicily Palermo Catania km", "'166.2742'"},
      {"GEODIST Sicily Palermo Catania FT", "'545518.8700'"},
      {"GEODIST Sicily Palermo Catania mi", "'103.3182'"},
      {"GEODIST Sicily Palermo Catania parsec",
       "-ERR unsupported unit provided. please use M, KM, FT, MI"},
      {"GEODIST Sicily Palermo Catania km x", "-ERR syntax error"},
      {"GEODIST Sicily Palermo Nowhere", "nil"},
      {"GEODIST missing a b", "nil"},
      {"GEOHASH Sicily Palermo Catania Nowhere", "['sqc8b49rny0', 'sqdtr74hyu0', nil]"},
      {"GEOHASH missing a", "[nil]"},
      {"GEOPOS Sicily Palermo Nowhere", "[['13.36138933897018433', '38.11555639549629859'], nil]",
       "[[,13.36138933897018433, ,38.11555639549629859], nil]"},
      {"GEOPOS missing a", "[nil]"},
      {"GEOADD Sicily 181 38 Far", "-ERR invalid longitude,latitude pair 181.000000,38.000000"},
      {"GEOADD Sicily 13 86 Far", "-ERR invalid longitude,latitude pair 13.000000,86.000000"},
      {"GEOADD Sicily x 38 Far", "-ERR value is not a valid float"},
      {"GEOADD Sicily 13 38", "-ERR wrong number of arguments for 'geoadd' command"},
      {"GEOADD Sicily 13 38 a 14", "-ERR syntax error"},
      {"GEOADD Sicily NX XX 13 38 a", "-ERR syntax error"},
      {"GEOADD Sicily NX CH CH", "-ERR syntax error"},
      {"SET s v", "OK"},
      {"GEOADD s 13 38 a", "-WRONGTYPE Operation against a key holding the wrong kind of value"},
      {"GEOHASH s a", "-WRONGTYPE Operation against a key holding the wrong kind of value"},
      {"GEOPOS s a", "-WRONGTYPE Operation against a key holding the wrong kind of value"},
      {"GEODIST s a b", "-WRONGTYPE Operation against a key holding the wrong kind of value"},
  });
}

TEST_P(Geo, SearchesCirclesAndBoxes) {
  Run({
      {"GEOADD g 13.361389 38.115556 Palermo 15.087269 37.502669 Catania 12.758489 38.788135 edge1 "
       "17.241510 38.788135 edge2",
       ":4"},
      {"GEOSEARCH g FROMLONLAT 15 37 BYRADIUS 200 km ASC", "['Catania', 'Palermo']"},
      {"GEOSEARCH g FROMLONLAT 15 37 BYRADIUS 200 km DESC WITHDIST",
       "[['Palermo', '190.4424'], ['Catania', '56.4413']]"},
      {"GEOSEARCH g FROMLONLAT 15 37 BYBOX 400 400 km ASC WITHCOORD WITHDIST WITHHASH",
       "[['Catania', '56.4413', :3479447370796909, ['15.08726745843887329', "
       "'37.50266842333162032']], ['Palermo', '190.4424', :3479099956230698, "
       "['13.36138933897018433', '38.11555639549629859']], ['edge2', '279.7403', "
       ":3481342659049484, ['17.24151045083999634', '38.78813451624225195']], ['edge1', "
       "'279.7405', :3479273021651468, ['12.7584877610206604', '38.78813451624225195']]]",
       "[['Catania', '56.4413', :3479447370796909, [,15.08726745843887329, "
       ",37.50266842333162032]], ['Palermo', '190.4424', :3479099956230698, "
       "[,13.36138933897018433, ,38.11555639549629859]], ['edge2', '279.7403', :3481342659049484, "
       "[,17.24151045083999634, ,38.78813451624225195]], ['edge1', '279.7405', :3479273021651468, "
       "[,12.7584877610206604, ,38.78813451624225195]]]"},
      {"GEOSEARCH g FROMMEMBER Palermo BYRADIUS 100 km ASC", "['Palermo', 'edge1']"},
      {"GEOSEARCH g FROMMEMBER Palermo BYBOX 800 800 km COUNT 2", "['Palermo', 'edge1']"},
      {"GEOSEARCH g FROMMEMBER Palermo BYRADIUS 0 m", "['Palermo']"},
      {"GEOSEARCH g FROMMEMBER Palermo BYRADIUS 100 km COUNT 1 ANY", "['Palermo']"},
      {"GEOSEARCH g FROMMEMBER Nowhere BYRADIUS 100 km",
       "-ERR could not decode requested zset member"},
      {"GEOSEARCH g FROMMEMBER Palermo BYRADIUS x km", "-ERR need numeric radius"},
      {"GEOSEARCH g FROMMEMBER Palermo BYRADIUS -1 km", "-ERR radius cannot be negative"},
      {"GEOSEARCH g FROMMEMBER Palermo BYRADIUS 1 parsec",
       "-ERR unsupported unit provided. please use M, KM, FT, MI"},
      {"GEOSEARCH g FROMMEMBER Palermo BYBOX x 1 km", "-ERR need numeric width"},
      {"GEOSEARCH g FROMMEMBER Palermo BYBOX 1 x km", "-ERR need numeric height"},
      {"GEOSEARCH g FROMMEMBER Palermo BYBOX 1 -1 km", "-ERR height or width cannot be negative"},
      {"GEOSEARCH g FROMMEMBER Palermo FROMLONLAT 1 1 BYRADIUS 1 km", "-ERR syntax error"},
      {"GEOSEARCH g FROMMEMBER Palermo BYRADIUS 1 km BYBOX 1 1 km", "-ERR syntax error"},
      {"GEOSEARCH g BYRADIUS 1 km COUNT 1 ASC",
       "-ERR exactly one of FROMMEMBER or FROMLONLAT can be specified for GEOSEARCH"},
      {"GEOSEARCH g FROMMEMBER Palermo ASC COUNT 1",
       "-ERR exactly one of BYRADIUS and BYBOX can be specified for GEOSEARCH"},
      {"GEOSEARCH g FROMMEMBER Palermo BYRADIUS 1 km COUNT 0", "-ERR COUNT must be > 0"},
      {"GEOSEARCH g FROMMEMBER Palermo BYRADIUS 1 km ANY",
       "-ERR the ANY argument requires COUNT argument"},
      {"GEOSEARCH g FROMMEMBER Palermo BYRADIUS 1 km STORE t", "-ERR syntax error"},
      {"GEOSEARCH missing FROMMEMBER Palermo BYRADIUS 1 km", "[]"},
      {"GEOSEARCH missing FROMLONLAT 1 1 BYRADIUS 1 km", "[]"},
      {"GEORADIUS g 15 37 200 km WITHDIST ASC",
       "[['Catania', '56.4413'], ['Palermo', '190.4424']]"},
      {"GEORADIUS_RO g 15 37 200 km COUNT 1", "['Catania']"},
      {"GEORADIUSBYMEMBER g Palermo 200 km DESC", "['Catania', 'edge1', 'Palermo']"},
      {"GEORADIUSBYMEMBER_RO g Palermo 200 km ASC WITHHASH",
       "[['Palermo', :3479099956230698], ['edge1', :3479273021651468], ['Catania', "
       ":3479447370796909]]"},
      {"GEORADIUSBYMEMBER missing Palermo x parsec", "[]"},
      {"GEORADIUSBYMEMBER g Nowhere 200 km", "-ERR could not decode requested zset member"},
      {"GEORADIUS_RO g 15 37 200 km STORE t", "-ERR syntax error"},
  });
}

TEST_P(Geo, StoresWhatItFinds) {
  Run({
      {"GEOADD g 13.361389 38.115556 Palermo 15.087269 37.502669 Catania", ":2"},
      {"GEOSEARCHSTORE t g FROMLONLAT 15 37 BYRADIUS 200 km", ":2"},
      {"ZRANGE t 0 -1 WITHSCORES", "['Palermo', '3479099956230698', 'Catania', '3479447370796909']",
       "[['Palermo', ,3479099956230698], ['Catania', ,3479447370796909]]"},
      {"GEOSEARCHSTORE t g FROMLONLAT 15 37 BYRADIUS 200 km COUNT 1", ":1"},
      {"ZRANGE t 0 -1", "['Catania']"},
      {"GEOSEARCHSTORE t g FROMMEMBER Palermo BYRADIUS 0 km STOREDIST", ":1"},
      {"ZRANGE t 0 -1 WITHSCORES", "['Palermo', '0']", "[['Palermo', ,0]]"},
      {"GEOSEARCHSTORE t g FROMLONLAT 15 37 BYRADIUS 200 km WITHDIST",
       "-ERR GEOSEARCHSTORE is not compatible with WITHDIST, WITHHASH and WITHCOORD options"},
      {"GEOSEARCHSTORE t g FROMLONLAT 0 0 BYRADIUS 1 km", ":0"},
      {"EXISTS t", ":0"},
      {"GEORADIUS g 15 37 200 km STORE t", ":2"},
      {"ZCARD t", ":2"},
      {"GEORADIUSBYMEMBER g Palermo 0 m STOREDIST t", ":1"},
      {"ZRANGE t 0 -1 WITHSCORES", "['Palermo', '0']", "[['Palermo', ,0]]"},
      {"GEORADIUS g 15 37 200 km STORE t WITHCOORD",
       "-ERR STORE option in GEORADIUS is not compatible with WITHDIST, WITHHASH and WITHCOORD "
       "options"},
      {"GEORADIUS missing 15 37 200 km STORE t", ":0"},
      {"EXISTS t", ":0"},
      {"SET s v", "OK"},
      {"GEOSEARCHSTORE t s FROMLONLAT 15 37 BYRADIUS 200 km",
       "-WRONGTYPE Operation against a key holding the wrong kind of value"},
      {"GEOSEARCHSTORE s g FROMLONLAT 15 37 BYRADIUS 200 km", ":2"},
      {"TYPE s", "zset"},
  });
}

// Expected from the documentation of Valkey 9.
TEST_P(Geo, SearchesInAPolygonAsValkey9Does) {
  if (IsReference()) GTEST_SKIP();
  const std::string polygon =
      "BYPOLYGON 5 12.41098696654226 38.05033923003755 15.107936245794182 38.00616649901906 "
      "18.148439288534455 38.63804787603499 17.80831874257693 39.50316813110968 "
      "12.458468633214036 38.57719533463012";
  const std::string search = "GEOSEARCH Sicily " + polygon;
  const std::string with_distance = search + " ASC WITHDIST";
  const std::string farthest = search + " DESC COUNT 1";
  const std::string store = "GEOSEARCHSTORE t Sicily " + polygon;
  const std::string from_point = search + " FROMLONLAT 15 37";
  const std::string from_member = "GEOSEARCH Sicily FROMMEMBER Palermo " + polygon;
  const std::string twice = search + " " + polygon;
  const std::string missing = "GEOSEARCH missing " + polygon;
  Run({
      {"GEOADD Sicily 13.361389 38.115556 Palermo 15.087269 37.502669 Catania", ":2"},
      {"GEOADD Sicily 12.758489 38.788135 edge1 17.241510 38.788135 edge2", ":2"},
      {search.c_str(), "['Palermo', 'edge2']"},
      {with_distance.c_str(), "[['Palermo', '166482.0159'], ['edge2', '180861.7725']]"},
      {farthest.c_str(), "['edge2']"},
      {store.c_str(), ":2"},
      {"ZRANGE t 0 -1", "['Palermo', 'edge2']"},
      {missing.c_str(), "[]"},
      // Three corners, in either direction; the whole map, whose middle is on the far side; a place
      // far away.
      {"GEOSEARCH Sicily BYPOLYGON 3 14 37 16 37 15 38", "['Catania']"},
      {"GEOSEARCH Sicily BYPOLYGON 3 15 38 16 37 14 37", "['Catania']"},
      {"GEOSEARCH Sicily BYPOLYGON 4 -180 -85 180 -85 180 85 -180 85 ASC COUNT 9 ANY",
       "['edge2', 'edge1', 'Palermo', 'Catania']"},
      {"GEOSEARCH Sicily BYPOLYGON 3 -10 -10 -11 -11 -9 -11", "[]"},
      {"GEOSEARCH Sicily BYPOLYGON 3 15 37 15 37 15 37", "[]"},
      {"GEOSEARCH Sicily BYPOLYGON 2 14 37 16 37",
       "-ERR GEOSEARCH BYPOLYGON must have at least 3 vertices"},
      {"GEOSEARCH Sicily BYPOLYGON x 14 37 16 37", "-ERR value is not an integer or out of range"},
      {"GEOSEARCH Sicily BYPOLYGON 9223372036854775807 14 37 16 37 15 38", "-ERR syntax error"},
      {"GEOSEARCH Sicily BYPOLYGON 3 14 37 16 37 15", "-ERR syntax error"},
      {"GEOSEARCH Sicily BYPOLYGON 3 14 37 16 37 15 95",
       "-ERR invalid longitude,latitude pair 15.000000,95.000000"},
      {from_point.c_str(), "-ERR syntax error"},
      {from_member.c_str(), "-ERR syntax error"},
      {twice.c_str(), "-ERR syntax error"},
  });
}

}  // namespace
}  // namespace peal::tests
