package sluice.vdev.cli;

import java.io.IOException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

import org.jspecify.annotations.Nullable;

import sluice.vdev.plugin.DeviceOption;
import sluice.vdev.plugin.DeviceProvider;
import sluice.vdev.plugin.WrongOptionException;
import sluice.vdev.serve.DeviceArgument;
import sluice.vdev.serve.DeviceCatalog;
import sluice.vdev.serve.DeviceSockets;
import sluice.vdev.serve.ServerProcess;

/**
 * A command line that only serves devices, such as {@code gpu --socket-path=PATH} or {@code serve --device=...}, read without
 * picocli: loading it takes as long as all the rest of a start, and a VM waits for the socket. Whatever is not plain, such as
 * {@code --help}, a plug-in, an unknown or malformed option, is left to picocli.
 *
 * @param devices to be served, with their options
 * @param log where to log, or null for standard error
 */
record QuickStart(List<DeviceArgument> devices, @Nullable String log) {
    private static final String DEVICE = "--device=";
    private static final String LOG = LogOption.NAME + "=";

    /** Null for a command line that picocli has to read. */
    static @Nullable QuickStart of(String... arguments) {
        if (arguments.length < 2) return null;
        List<String> options = new ArrayList<>();
        String log = null;
        for (String option : List.of(arguments).subList(1, arguments.length)) {
            if (!option.startsWith(LOG)) {
                options.add(option);
            } else if (log == null && option.length() > LOG.length()) {
                log = option.substring(LOG.length());
            } else {
                return null;
            }
        }
        List<DeviceArgument> devices = devices(arguments[0], options);
        return devices == null || devices.isEmpty() ? null : new QuickStart(devices, log);
    }

    private static @Nullable List<DeviceArgument> devices(String command, List<String> options) {
        if (command.equals("serve")) return several(options);
        for (DeviceProvider provider : DeviceCatalog.own())
            if (provider.name().equals(command)) return options.isEmpty() ? null : one(provider, options);
        return null;
    }

    private static @Nullable List<DeviceArgument> several(List<String> options) {
        List<DeviceArgument> devices = new ArrayList<>();
        for (String option : options) {
            if (!option.startsWith(DEVICE)) return null;
            devices.add(DeviceArgument.parse(option.substring(DEVICE.length())));
        }
        return devices;
    }

    private static @Nullable List<DeviceArgument> one(DeviceProvider provider, List<String> options) {
        Map<String, DeviceOption> known = DeviceArgument.known(provider);
        Map<String, List<String>> given = new LinkedHashMap<>();
        for (String option : options) {
            int sign = option.indexOf('=');
            String name = sign < 0 ? option : option.substring(0, sign);
            DeviceOption meant = name.startsWith("--") ? known.get(name.substring(2)) : null;
            if (meant == null || meant.value().isEmpty() != sign < 0 || sign == option.length() - 1) return null;
            if (option.startsWith("-", sign + 1) && sign > 0) return null; // may look like an option
            List<String> values = given.get(meant.name());
            if (values == null) {
                values = new ArrayList<>();
                given.put(meant.name(), values);
            } else if (!meant.repeatable()) {
                return null;
            }
            values.add(sign < 0 ? "" : option.substring(sign + 1));
        }
        return List.of(new DeviceArgument(provider.name(), given));
    }

    /**
     * Serves them until the end. Their sockets come first: all the rest of a start takes longer, and a front-end can connect meanwhile.
     *
     * @throws WrongOptionException an option has a wrong value; nothing was served
     */
    void serve() throws IOException, InterruptedException, WrongOptionException {
        if (log != null) LogOption.redirect(log);
        List<DeviceCatalog.Chosen> chosen = DeviceCatalog.of(List.of()).choose(devices);
        try (DeviceSockets sockets = DeviceSockets.open(chosen);
                ServerProcess process = new MachineOption().open()) {
            process.serve(chosen, sockets);
        }
    }
}
