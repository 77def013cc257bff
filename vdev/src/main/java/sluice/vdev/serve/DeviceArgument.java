package sluice.vdev.serve;

import java.io.IOException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

import sluice.vdev.plugin.DeviceOption;
import sluice.vdev.plugin.DeviceOptions;
import sluice.vdev.plugin.DeviceProvider;
import sluice.vdev.plugin.WrongOptionException;

/**
 * A parsed {@code --device=NAME,OPTION=VALUE,...}. As with QEMU, a comma inside a value is written twice.
 *
 * @param name of the device
 * @param options by their names
 */
public record DeviceArgument(String name, Map<String, List<String>> options) {

    public static DeviceArgument parse(String argument) {
        List<String> words = words(argument);
        Map<String, List<String>> options = new LinkedHashMap<>();
        for (String word : words.subList(1, words.size())) {
            int sign = word.indexOf('=');
            String option = sign < 0 ? word : word.substring(0, sign);
            options.computeIfAbsent(option, none -> new ArrayList<>()).add(sign < 0 ? "" : word.substring(sign + 1));
        }
        return new DeviceArgument(words.getFirst(), options);
    }

    /** Splits at single commas; two commas are one literal comma. */
    private static List<String> words(String argument) {
        List<String> words = new ArrayList<>();
        StringBuilder word = new StringBuilder();
        for (int i = 0; i < argument.length(); i++) {
            char c = argument.charAt(i);
            if (c == ',' && (i + 1 == argument.length() || argument.charAt(i + 1) != ',')) {
                words.add(word.toString());
                word.setLength(0);
            } else {
                word.append(c);
                if (c == ',') i++;
            }
        }
        words.add(word.toString());
        return words;
    }

    /**
     * The options, checked against those of the provider.
     *
     * @throws WrongOptionException an option is unknown, given twice, or lacks its value
     */
    public DeviceOptions optionsOf(DeviceProvider provider) throws WrongOptionException {
        Map<String, DeviceOption> known = known(provider);
        for (Map.Entry<String, List<String>> given : options.entrySet()) {
            DeviceOption option = known.get(given.getKey());
            if (option == null) {
                throw new WrongOptionException(
                        "%s has no option \"%s\"; its options are %s".formatted(name, given.getKey(),
                                String.join(", ", listed(provider).stream().map(DeviceOption::name).toList())));
            }
            if (given.getValue().size() > 1 && !option.repeatable())
                throw new WrongOptionException("%s: %s is given more than once".formatted(name, option));
            if (!option.value().isEmpty() && given.getValue().contains(""))
                throw new WrongOptionException("%s: %s needs a value".formatted(name, option));
            if (option.value().isEmpty() && !given.getValue().stream().allMatch(String::isEmpty))
                throw new WrongOptionException("%s: %s takes no value".formatted(name, option));
        }
        if (options.containsKey("socket-path") == options.containsKey("fd"))
            throw new WrongOptionException(name + ": give exactly one of socket-path=PATH and fd=N");
        return new DeviceOptions(options);
    }

    /**
     * Checks the values of the options that every device has, without a device.
     *
     * @param function whether the device is known to be a PCI function, so that what such a device cannot have is wrong, too
     * @throws WrongOptionException one is invalid; the sentence tells what to give instead
     * @throws IOException the folder for a report is missing
     */
    public void requireCommon(boolean function) throws IOException, WrongOptionException {
        CommonOptions common = CommonOptions.of(new DeviceOptions(options));
        if (function) common.requireForFunction(false);
    }

    /** The provider's own options, then the common options that it does not define itself. */
    public static Map<String, DeviceOption> known(DeviceProvider provider) {
        Map<String, DeviceOption> known = new LinkedHashMap<>();
        for (DeviceOption option : provider.options()) known.put(option.name(), option);
        for (DeviceOption option : DeviceOption.OF_EVERY_DEVICE) known.putIfAbsent(option.name(), option);
        return known;
    }

    /** The options shown to users, in this order. */
    public static List<DeviceOption> listed(DeviceProvider provider) {
        return known(provider).values().stream().filter(option -> !option.hidden()).toList();
    }
}
