#include "broker/commands/geohash.h"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <string_view>
#include <utility>

namespace peal::broker {
namespace {

constexpr int kFinestStep = 26;
constexpr double kEarthRadius = 6372797.560856;  // metres
constexpr double kMercatorMax = 20037726.37;

double Radians(double degrees) { return degrees * (std::numbers::pi / 180.0); }
double Degrees(double radians) { return radians / (std::numbers::pi / 180.0); }

/// Moves bit i to bit 2i.
uint64_t Spread(uint32_t bits) {
  uint64_t spread = bits;
  spread = (spread | (spread << 16)) & 0x0000ffff0000ffff;
  spread = (spread | (spread << 8)) & 0x00ff00ff00ff00ff;
  spread = (spread | (spread << 4)) & 0x0f0f0f0f0f0f0f0f;
  spread = (spread | (spread << 2)) & 0x3333333333333333;
  return (spread | (spread << 1)) & 0x5555555555555555;
}

/// Moves bit 2i to bit i.
uint32_t Gather(uint64_t bits) {
  bits &= 0x5555555555555555;
  bits = (bits | (bits >> 1)) & 0x3333333333333333;
  bits = (bits | (bits >> 2)) & 0x0f0f0f0f0f0f0f0f;
  bits = (bits | (bits >> 4)) & 0x00ff00ff00ff00ff;
  bits = (bits | (bits >> 8)) & 0x0000ffff0000ffff;
  return static_cast<uint32_t>(bits | (bits >> 16));
}

double Cells(int step) { return static_cast<double>(uint64_t{1} << step); }

/// Which of the cells that divide [-most, most] holds `degrees`.
uint32_t Place(double degrees, double most, int step) {
  return static_cast<uint32_t>((degrees + most) / (most - -most) * Cells(step));
}

/// Where a cell of [-most, most] begins.
double Edge(double place, double most, int step) {
  return -most + place / Cells(step) * (most - -most);
}

/// How x86 processors turn a double into 64 bits without a sign, for scores that no GEOADD wrote.
uint64_t BitsOfScore(double score) {
  constexpr double kTwoTo63 = 9223372036854775808.0;
  if (score >= 2 * kTwoTo63) return 0;
  if (score >= kTwoTo63) return static_cast<uint64_t>(score);
  if (score > -kTwoTo63) return static_cast<uint64_t>(static_cast<int64_t>(score));
  return uint64_t{1} << 63;
}

/// A step at which nine cells around the center cover a circle, or nearly so.
int EstimateStep(double radius, double latitude) {
  if (radius == 0) return kFinestStep;
  int step = -1;
  while (radius < kMercatorMax) {
    radius *= 2;
    ++step;
  }
  // Cells are narrower towards the poles.
  if (std::abs(latitude) > 66) --step;
  if (std::abs(latitude) > 80) --step;
  return std::clamp(step, 1, kFinestStep);
}

}  // namespace

uint64_t GeoCell::Bits() const { return Spread(row) | (Spread(column) << 1); }

GeoCell GeoCell::Neighbour(int columns, int rows) const {
  const auto mask = static_cast<uint32_t>((uint64_t{1} << step) - 1);
  GeoCell cell = *this;
  if (columns != 0) cell.column = (column + static_cast<uint32_t>(columns)) & mask;
  if (rows != 0) cell.row = (row + static_cast<uint32_t>(rows)) & mask;
  return cell;
}

double GeoCell::West() const { return Edge(column, kGeoMaxLongitude, step); }
double GeoCell::East() const { return Edge(column + 1.0, kGeoMaxLongitude, step); }
double GeoCell::South() const { return Edge(row, kGeoMaxLatitude, step); }
double GeoCell::North() const { return Edge(row + 1.0, kGeoMaxLatitude, step); }

GeoCell CellOf(const GeoPoint& point, int step) {
  return {Place(point.longitude, kGeoMaxLongitude, step),
          Place(point.latitude, kGeoMaxLatitude, step), step};
}

double GeoScore(const GeoPoint& point) {
  return static_cast<double>(CellOf(point, kFinestStep).Bits());
}

GeoPoint PointOfScore(double score) {
  const uint64_t bits = BitsOfScore(score);
  const GeoCell cell{Gather(bits >> 1), Gather(bits), kFinestStep};
  GeoPoint point;
  point.longitude =
      std::clamp((cell.West() + cell.East()) / 2, -kGeoMaxLongitude, kGeoMaxLongitude);
  point.latitude = std::clamp((cell.South() + cell.North()) / 2, -kGeoMaxLatitude, kGeoMaxLatitude);
  return point;
}

std::string GeohashText(const GeoPoint& point) {
  // The public form divides latitudes from -90 to 90.
  constexpr double kPole = 90;
  constexpr std::string_view kAlphabet = "0123456789bcdefghjkmnpqrstuvwxyz";
  const GeoCell cell{Place(point.longitude, kGeoMaxLongitude, kFinestStep),
                     Place(point.latitude, kPole, kFinestStep), kFinestStep};
  const uint64_t bits = cell.Bits();
  std::string text;
  for (int shift = 47; shift > 0; shift -= 5) text += kAlphabet[(bits >> shift) & 31];
  // 52 bits make ten characters and two bits, which Redis leaves out.
  return text + kAlphabet[0];
}

double LatitudeDistance(double from, double to) {
  return kEarthRadius * std::abs(Radians(to) - Radians(from));
}

double GeoDistance(const GeoPoint& from, const GeoPoint& to) {
  const double v = std::sin((Radians(to.longitude) - Radians(from.longitude)) / 2);
  if (v == 0) return LatitudeDistance(from.latitude, to.latitude);
  const double from_latitude = Radians(from.latitude);
  const double to_latitude = Radians(to.latitude);
  const double u = std::sin((to_latitude - from_latitude) / 2);
  const double a = u * u + std::cos(from_latitude) * std::cos(to_latitude) * v * v;
  return 2.0 * kEarthRadius * std::asin(std::sqrt(a));
}

void GeoShape::SetCorners(std::vector<GeoPoint> points) {
  kind = Kind::kPolygon;
  corners = std::move(points);
  south_west = north_east = corners.front();
  double x = 0;
  double y = 0;
  double z = 0;
  for (const GeoPoint& corner : corners) {
    south_west.longitude = std::min(south_west.longitude, corner.longitude);
    south_west.latitude = std::min(south_west.latitude, corner.latitude);
    north_east.longitude = std::max(north_east.longitude, corner.longitude);
    north_east.latitude = std::max(north_east.latitude, corner.latitude);
    const double longitude = Radians(corner.longitude);
    const double latitude = Radians(corner.latitude);
    x += std::cos(latitude) * std::cos(longitude);
    y += std::cos(latitude) * std::sin(longitude);
    z += std::sin(latitude);
  }
  center = {Degrees(std::atan2(y, x)), Degrees(std::atan2(z, std::hypot(x, y)))};
}

namespace {

/// Whether a ray from `point` to the east crosses the sides an odd number of times.
bool IsInside(const GeoPoint& point, const std::vector<GeoPoint>& corners) {
  bool is_inside = false;
  const GeoPoint* from = &corners.back();
  for (const GeoPoint& to : corners) {
    if ((to.latitude > point.latitude) != (from->latitude > point.latitude)) {
      const double share = (point.latitude - to.latitude) / (from->latitude - to.latitude);
      const double longitude = to.longitude + share * (from->longitude - to.longitude);
      if (point.longitude < longitude) is_inside = !is_inside;
    }
    from = &to;
  }
  return is_inside;
}

/// Up to nine cells that cover a box of degrees.
std::array<GeoCell, 9> CellsOfBox(const GeoPoint& south_west, const GeoPoint& north_east) {
  constexpr uint32_t kSide = 3;
  constexpr int kFinest = 26;
  std::array<GeoCell, 9> cells;
  for (int step = kFinest; step >= 1; --step) {
    const GeoCell first = CellOf(south_west, step);
    const GeoCell last = CellOf(north_east, step);
    if (last.column - first.column >= kSide || last.row - first.row >= kSide) continue;
    size_t count = 0;
    for (uint32_t row = first.row; row <= last.row; ++row) {
      for (uint32_t column = first.column; column <= last.column; ++column) {
        cells[count++] = {.column = column, .row = row, .step = step};
      }
    }
    break;
  }
  return cells;
}

}  // namespace

bool GeoShape::Contains(const GeoPoint& point, double& distance) const {
  if (kind == Kind::kPolygon) {
    if (point.longitude < south_west.longitude || point.longitude > north_east.longitude ||
        point.latitude < south_west.latitude || point.latitude > north_east.latitude ||
        !IsInside(point, corners)) {
      return false;
    }
    distance = GeoDistance(center, point);
    return true;
  }
  if (kind == Kind::kCircle) {
    distance = GeoDistance(center, point);
    return distance <= radius;
  }
  if (LatitudeDistance(point.latitude, center.latitude) > height / 2) return false;
  const GeoPoint beside{center.longitude, point.latitude};
  if (GeoDistance(point, beside) > width / 2) return false;
  distance = GeoDistance(center, point);
  return true;
}

std::array<GeoCell, 9> CellsOf(const GeoShape& shape) {
  if (shape.kind == GeoShape::Kind::kPolygon) {
    return CellsOfBox(shape.south_west, shape.north_east);
  }
  const bool is_circle = shape.kind == GeoShape::Kind::kCircle;
  const double half_height = is_circle ? shape.radius : shape.height / 2;
  const double half_width = is_circle ? shape.radius : shape.width / 2;
  const double reach =
      is_circle
          ? shape.radius
          : std::sqrt(shape.width / 2 * (shape.width / 2) + shape.height / 2 * (shape.height / 2));
  const double latitude = shape.center.latitude;
  const double longitude = shape.center.longitude;

  // The box around the shape in degrees; its width counts at the edge nearer to the pole.
  const double latitude_delta = Degrees(half_height / kEarthRadius);
  const double edge = latitude < 0 ? latitude - latitude_delta : latitude + latitude_delta;
  const double longitude_delta = Degrees(half_width / kEarthRadius / std::cos(Radians(edge)));
  const double west = longitude - longitude_delta;
  const double east = longitude + longitude_delta;
  const double south = latitude - latitude_delta;
  const double north = latitude + latitude_delta;

  int step = EstimateStep(reach, latitude);
  GeoCell center = CellOf(shape.center, step);
  const bool is_too_fine =
      center.Neighbour(0, 1).North() < north || center.Neighbour(0, -1).South() > south ||
      center.Neighbour(1, 0).East() < east || center.Neighbour(-1, 0).West() > west;
  if (step > 1 && is_too_fine) center = CellOf(shape.center, --step);

  const bool skips_south = step >= 2 && center.South() < south;
  const bool skips_north = step >= 2 && center.North() > north;
  const bool skips_west = step >= 2 && center.West() < west;
  const bool skips_east = step >= 2 && center.East() > east;
  struct Direction {
    int columns;
    int rows;
  };
  constexpr Direction kDirections[] = {{0, 0}, {0, 1},  {0, -1}, {1, 0},  {-1, 0},
                                       {1, 1}, {-1, 1}, {1, -1}, {-1, -1}};
  std::array<GeoCell, 9> cells;
  for (size_t i = 0; i < cells.size(); ++i) {
    const auto [columns, rows] = kDirections[i];
    const bool is_skipped = (columns > 0 && skips_east) || (columns < 0 && skips_west) ||
                            (rows > 0 && skips_north) || (rows < 0 && skips_south);
    if (!is_skipped) cells[i] = center.Neighbour(columns, rows);
  }
  return cells;
}

}  // namespace peal::broker
