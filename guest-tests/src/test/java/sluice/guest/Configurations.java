package sluice.guest;

import java.util.List;

/**
 * Which configurations of a suite are booted: by {@code ./sluice test} one for each capability, by {@code ./sluice test --matrix}
 * the others. A suite with others is tagged {@code matrix}, or is none of that run.
 */
public final class Configurations {
    private static final boolean MATRIX = Boolean.getBoolean("sluice.matrix");

    private Configurations() {}

    /** A number of rounds, seconds or frames: {@code few} in a newcomer's run, {@code many} in the matrix. */
    public static int count(int few, int many) {
        return MATRIX ? many : few;
    }

    /**
     * Those of this run.
     *
     * @param capabilities what a newcomer's run boots: few, for each boot takes seconds
     * @param others further QEMUs, kernels, IOMMUs on which the same must be so
     */
    public static <C> List<C> of(List<C> capabilities, List<C> others) {
        return MATRIX ? others : capabilities;
    }
}
