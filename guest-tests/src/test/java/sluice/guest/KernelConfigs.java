package sluice.guest;

import java.util.List;

/** Configurations of kernels that nobody has built. */
public final class KernelConfigs {
    private KernelConfigs() {}

    /** @param lines as in a {@code .config} */
    public static KernelConfig of(List<String> lines) {
        return new KernelConfig(lines);
    }
}
