package sluice.iommu.space;

/** Where in the program a mapping is made. */
final class CreationSite {
    private static final String HERE = "sluice.iommu.space.";

    private CreationSite() {}

    /** The first caller outside of this package. */
    static String find() {
        return StackWalker.getInstance().walk(frames -> frames.filter(frame -> !frame.getClassName().startsWith(HERE))
                .findFirst().map(StackWalker.StackFrame::toString).orElse("an unknown place"));
    }
}
