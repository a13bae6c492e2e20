#include "flags.h"

#include <cerrno>
#include <cmath>
#include <cstdlib>
#include <limits>
#include <vector>

#include "near_names.h"
#include "user_error.h"

namespace {

constexpr int64_t kLargestSide = 4096;
constexpr double kLargestMean = 1e6, kSmallestStd = 1e-6, kLargestStd = 1e6;

// A flag that sets one of the three values that are not null.
struct Flag {
  std::string name;
  std::string help;
  std::string* text = nullptr;
  int64_t* integer = nullptr;
  double* number = nullptr;
  double minimum = 0;
  double maximum = 0;
};

Flag Text(const char* name, std::string* value, const char* help) {
  Flag flag{name, help};
  flag.text = value;
  return flag;
}

Flag Integer(const char* name, int64_t* value, double minimum, double maximum,
             const char* help) {
  Flag flag{name, help};
  flag.integer = value;
  flag.minimum = minimum;
  flag.maximum = maximum;
  return flag;
}

Flag Number(const char* name, double* value, double minimum, double maximum,
            const char* help) {
  Flag flag{name, help};
  flag.number = value;
  flag.minimum = minimum;
  flag.maximum = maximum;
  return flag;
}

std::vector<Flag> AllFlags(Options* options) {
  const double any = std::numeric_limits<int64_t>::max();
  return {
      Text("image", &options->image, "Image file (required)."),
      Text("graph", &options->graph, "Frozen GraphDef (required)."),
      Text("labels", &options->labels,
           "File of class names, one per line or numbered like 0:daisy."),
      Text("input_layer", &options->input_layer,
           "Name of the input node; the only placeholder by default."),
      Text("output_layer", &options->output_layer,
           "Name of the output node; the only unused node by default."),
      Integer("input_width", &options->input_width, 1, kLargestSide,
              "Image width; the graph's by default."),
      Integer("input_height", &options->input_height, 1, kLargestSide,
              "Image height; the graph's by default."),
      Number("input_mean", &options->input_mean, -kLargestMean, kLargestMean,
             "Subtracted from the values 0..255."),
      Number("input_std", &options->input_std, kSmallestStd, kLargestStd,
             "The difference is divided by this."),
      Integer("labels_offset", &options->labels_offset, 0, any,
              "How many of the first names in --labels to leave out."),
      Integer("top_k", &options->top_k, 1, any, "Number of classes to print."),
  };
}

void CheckRange(const std::string& shown, const Flag& flag, double value) {
  if (value < flag.minimum) {
    throw UserError(shown, ": must be at least ", flag.minimum, ".");
  }
  if (value > flag.maximum) {
    throw UserError(shown, ": must be at most ", flag.maximum, ".");
  }
}

void Set(const Flag& flag, const std::string& value) {
  const std::string shown = "--" + flag.name + "=" + value;
  char* end = nullptr;
  errno = 0;
  if (flag.text) {
    *flag.text = value;
  } else if (flag.integer) {
    *flag.integer = std::strtoll(value.c_str(), &end, 10);
    if (value.empty() || *end) {
      throw UserError(shown, ": must be a whole number, for instance 10.");
    }
    if (errno == ERANGE && *flag.integer > 0) {
      throw UserError(shown, ": must be at most ", *flag.integer, ".");
    }
    CheckRange(shown, flag, static_cast<double>(*flag.integer));
  } else {
    *flag.number = std::strtod(value.c_str(), &end);
    if (value.empty() || *end) {
      throw UserError(shown, ": must be a number, for instance 0.5.");
    }
    if (!std::isfinite(*flag.number)) {
      throw UserError(shown, " is not a finite number.");
    }
    CheckRange(shown, flag, *flag.number);
  }
}

const Flag& Find(const std::vector<Flag>& flags, const std::string& name) {
  std::vector<std::string> known;
  for (const Flag& flag : flags) {
    if (flag.name == name) return flag;
    known.push_back(flag.name);
  }
  throw UserError("Unknown flag --", name, ".", DidYouMean(name, known));
}

void Require(const std::string& name, const std::string& value,
             const std::string& why) {
  if (value.empty()) throw UserError("--", name, " is missing. ", why);
}

}  // namespace

Options ParseFlags(int argc, char* argv[]) {
  Options options;
  const std::vector<Flag> flags = AllFlags(&options);
  for (int i = 1; i < argc; ++i) {
    std::string argument = argv[i];
    if (argument.size() < 2 || argument[0] != '-') {
      throw UserError("Unexpected argument '", argument,
                      "': flags are written --name=value.");
    }
    argument.erase(0, argument[1] == '-' ? 2 : 1);
    if (argument == "help" || argument == "h") {
      options.help = true;
      return options;
    }
    const size_t equals = argument.find('=');
    const Flag& flag = Find(flags, argument.substr(0, equals));
    if (equals != std::string::npos) {
      Set(flag, argument.substr(equals + 1));
    } else if (++i < argc) {
      Set(flag, argv[i]);
    } else {
      throw UserError("--", flag.name, " has no value.");
    }
  }
  Require("image", options.image, "Name the image to label.");
  Require("graph", options.graph, "Name the frozen GraphDef to run.");
  return options;
}

std::string HelpText() {
  Options defaults;
  std::string text =
      "Label an image with a frozen graph.\n\n"
      "  label_image --image=daisy.jpg --graph=/tmp/frozen.pb\n\n";
  for (const Flag& flag : AllFlags(&defaults)) {
    std::string name = "  --" + flag.name;
    name.resize(20, ' ');
    text += name + flag.help + "\n";
  }
  return text;
}
