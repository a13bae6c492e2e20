#include "image_headers.h"

#include <cstdint>
#include <cstdlib>

#include "user_error.h"

namespace {

constexpr int64_t kMostPixels = 200000000;

struct Size {
  int64_t height = 0;
  int64_t width = 0;
};

// Reads numbers from a file; whatever lies after its end is an error.
class Reader {
 public:
  Reader(const std::string& path, const std::string& bytes)
      : path_(path), bytes_(bytes) {}

  int64_t Byte(size_t position) const {
    if (position >= bytes_.size()) throw UserError(path_, ": the file is truncated.");
    return static_cast<unsigned char>(bytes_[position]);
  }

  int64_t LittleEndian(size_t position, int length) const {
    int64_t number = 0;
    for (int i = length - 1; i >= 0; --i) {
      number = number << 8 | Byte(position + i);
    }
    return number;
  }

  int64_t BigEndian(size_t position, int length) const {
    int64_t number = 0;
    for (int i = 0; i < length; ++i) number = number << 8 | Byte(position + i);
    return number;
  }

  bool StartsWith(const std::string& signature, size_t position = 0) const {
    return bytes_.compare(position, signature.size(), signature) == 0;
  }

  const std::string& path() const { return path_; }

 private:
  const std::string& path_;
  const std::string& bytes_;
};

// Returns the size in the frame header of a JPEG. See ITU-T Recommendation
// T.81, section B.
Size JpegSize(const Reader& reader) {
  size_t position = 2;
  while (true) {
    if (reader.Byte(position) != 0xFF) {
      throw UserError(reader.path(), ": the JPEG header is damaged.");
    }
    const int64_t marker = reader.Byte(position + 1);
    const bool is_table = marker == 0xC4 || marker == 0xC8 || marker == 0xCC;
    if (marker >= 0xC0 && marker <= 0xCF && !is_table) {
      return {reader.BigEndian(position + 5, 2),
              reader.BigEndian(position + 7, 2)};
    }
    const bool has_no_length = marker == 0x01 || (marker >= 0xD0 && marker < 0xD9);
    if (marker == 0xFF) {
      position += 1;
    } else if (has_no_length) {
      position += 2;
    } else {
      position += 2 + reader.BigEndian(position + 2, 2);
    }
  }
}

// Returns the size of a BMP. Refuses those with a palette: TensorFlow takes
// its indices for shades of gray.
Size BmpSize(const Reader& reader) {
  const size_t palette = 14 + reader.LittleEndian(14, 4);
  const size_t end = reader.LittleEndian(10, 4);
  if (reader.LittleEndian(28, 2) == 8) {
    for (size_t at = palette; at + 4 <= end; at += 4) {
      const int64_t shade = (at - palette) / 4;
      if (reader.LittleEndian(at, 3) != shade * 0x10101) {
        throw UserError(reader.path(),
                        ": it is a BMP with a palette, which is not supported; "
                        "save it as PNG.");
      }
    }
  }
  const auto side = [&reader](size_t at) {
    return std::abs(static_cast<int64_t>(
        static_cast<int32_t>(reader.LittleEndian(at, 4))));
  };
  return {side(22), side(18)};
}

size_t ColorTableBytes(int64_t packed) {
  return packed & 0x80 ? size_t{3} << ((packed & 7) + 1) : 0;
}

// Returns where a sequence of data blocks ends.
size_t AfterBlocks(const Reader& reader, size_t position) {
  while (reader.Byte(position)) position += reader.Byte(position) + 1;
  return position + 1;
}

// Returns the size of the first picture of a GIF, and where it ends. See
// CompuServe, Graphics Interchange Format, Version 89a.
Size GifSize(const Reader& reader, size_t* end) {
  size_t position = 13 + ColorTableBytes(reader.Byte(10));
  while (reader.Byte(position) == 0x21) {
    position = AfterBlocks(reader, position + 2);
  }
  if (reader.Byte(position) != 0x2C) {
    throw UserError(reader.path(), ": it holds no picture.");
  }
  const Size size = {reader.LittleEndian(position + 7, 2),
                     reader.LittleEndian(position + 5, 2)};
  position += 10 + ColorTableBytes(reader.Byte(position + 9));
  *end = AfterBlocks(reader, position + 1);
  return size;
}

}  // namespace

void CheckImage(const std::string& path, std::string* bytes) {
  if (bytes->empty()) throw UserError(path, ": the file is empty.");
  const Reader reader(path, *bytes);
  Size size;
  if (reader.StartsWith("\xFF\xD8\xFF")) {
    size = JpegSize(reader);
  } else if (reader.StartsWith("\x89PNG\r\n\x1A\n")) {
    size = {reader.BigEndian(20, 4), reader.BigEndian(16, 4)};
  } else if (reader.StartsWith("GIF87a") || reader.StartsWith("GIF89a")) {
    size_t end;
    size = GifSize(reader, &end);
    *bytes = bytes->substr(0, end) + '\x3B';
  } else if (reader.StartsWith("BM")) {
    size = BmpSize(reader);
  } else if (!reader.StartsWith("RIFF") || !reader.StartsWith("WEBP", 8)) {
    throw UserError(path, ": it is not an image.");
  }
  if (size.width > 0 && size.height > kMostPixels / size.width) {
    throw UserError(path, ": ", size.width, " x ", size.height,
                    " pixels are more than ", kMostPixels / 1000000,
                    " million.");
  }
}
