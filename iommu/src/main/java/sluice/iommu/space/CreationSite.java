package sluice.iommu.space;

import java.util.Set;

/** The code location that creates a mapping. */
final class CreationSite {
    private static final Set<Class<?>> HERE = Set.of(CreationSite.class, Changes.class, IoSpace.class);

    private CreationSite() {}

    /** The caller of {@link IoSpace}. */
    static String find() {
        return StackWalker.getInstance(StackWalker.Option.RETAIN_CLASS_REFERENCE)
                .walk(frames -> frames.filter(frame -> !HERE.contains(frame.getDeclaringClass())).findFirst()
                        .map(StackWalker.StackFrame::toString).orElse("an unknown place"));
    }
}
