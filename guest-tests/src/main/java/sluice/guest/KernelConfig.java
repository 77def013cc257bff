package sluice.guest;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** What a kernel was built with: its {@code .config} (Linux, Documentation/kbuild/kconfig.rst). */
public final class KernelConfig {
    private static final String PREFIX = "CONFIG_";

    private final Map<String, String> values = new HashMap<>();

    /** @param lines {@code CONFIG_NAME=VALUE}; others are comments */
    KernelConfig(List<String> lines) {
        for (String line : lines) {
            int sign = line.indexOf('=');
            if (line.startsWith(PREFIX) && sign > 0)
                values.put(line.substring(PREFIX.length(), sign), line.substring(sign + 1));
        }
    }

    static KernelConfig read(Path file) throws IOException {
        return new KernelConfig(Files.readAllLines(file));
    }

    /**
     * Whether the kernel has something, in its image or as a module.
     *
     * @param option without {@code CONFIG_}
     */
    public boolean has(String option) {
        String value = values.get(option);
        return "y".equals(value) || "m".equals(value);
    }
}
