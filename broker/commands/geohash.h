#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

/// Positions on the earth as 52-bit numbers that sort near places near each other: the scores of
/// geospatial sorted sets, bit by bit those of Redis.
namespace peal::broker {

/// Degrees.
struct GeoPoint {
  double longitude = 0;
  double latitude = 0;
};

inline constexpr double kGeoMaxLongitude = 180;
inline constexpr double kGeoMaxLatitude = 85.05112878;  // where the Mercator square ends

/// A cell of the grid that halves longitude and latitude `step` (1 to 26) times.
struct GeoCell {
  uint32_t column = 0;  // from west to east
  uint32_t row = 0;     // from south to north
  int step = 0;

  /// Bits of row and column in turns, the column's higher.
  uint64_t Bits() const;
  /// The least score inside, and that of the next cell.
  uint64_t FirstScore() const { return Bits() << (52 - 2 * step); }
  uint64_t EndScore() const { return (Bits() + 1) << (52 - 2 * step); }
  /// The cell so many columns and rows away; wraps around at all edges, as Redis does.
  GeoCell Neighbour(int columns, int rows) const;

  double West() const;
  double East() const;
  double South() const;
  double North() const;
};

/// The cell of a point.
GeoCell CellOf(const GeoPoint& point, int step);

/// The score of a point within the limits.
double GeoScore(const GeoPoint& point);
/// The middle of the finest cell that a score stands for. Any number is good.
GeoPoint PointOfScore(double score);
/// The public geohash text of a point, 11 characters.
std::string GeohashText(const GeoPoint& point);

/// Metres along the great circle.
double GeoDistance(const GeoPoint& from, const GeoPoint& to);
double LatitudeDistance(double from, double to);

/// What is searched.
struct GeoShape {
  enum class Kind : uint8_t { kCircle, kBox, kPolygon };
  Kind kind = Kind::kCircle;
  GeoPoint center;
  // Metres.
  double radius = 0;
  double width = 0;
  double height = 0;
  /// The corners of a polygon, in order; the last one is joined to the first.
  std::vector<GeoPoint> corners;
  GeoPoint south_west;  // of the box around them
  GeoPoint north_east;

  /// Makes it a polygon of at least three corners; its center lies in the middle of them on the
  /// globe. Sides are straight on a map of longitudes and latitudes, and do not cross the
  /// antimeridian.
  void SetCorners(std::vector<GeoPoint> points);
  /// Whether the point is inside; if so, sets its distance from the center.
  bool Contains(const GeoPoint& point, double& distance) const;
};

/// Up to nine cells that cover a shape, in the order in which Redis looks at them; step 0: none.
std::array<GeoCell, 9> CellsOf(const GeoShape& shape);

}  // namespace peal::broker
