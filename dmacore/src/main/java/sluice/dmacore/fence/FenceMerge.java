package sluice.dmacore.fence;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

import sluice.dmacore.linux.Errno;

/** Flattens containers and merges fences into the smallest set. */
final class FenceMerge {
    private FenceMerge() {}

    /** The fences of a list, with all-of containers flattened. */
    static List<Fence> takeApart(List<Fence> fences) throws FenceRefusedException {
        List<Fence> parts = new ArrayList<>();
        for (Fence fence : fences) {
            if (fence.isAnyOf())
                throw new FenceRefusedException(Errno.EINVAL,
                        "fence %s is any of %d: taken apart, all of them would be waited for".formatted(fence,
                                fence.members().size()));
            if (fence.isContainer()) parts.addAll(fence.members());
            else parts.add(fence);
        }
        return parts;
    }

    /** Merges fences without members: the latest of each timeline, and those that failed. */
    static Fence gather(FenceDomain domain, String label, List<Fence> fences) {
        Map<Long, Fence> latest = new LinkedHashMap<>();
        Set<Fence> failed = new LinkedHashSet<>();
        long lastSignal = domain.now();
        boolean signalled = false;
        for (Fence fence : fences) {
            int status = fence.status();
            if (status == Completion.PENDING) {
                latest.merge(fence.origin().context(), fence, (one, other) -> other.isLaterThan(one) ? other : one);
                continue;
            }
            if (!signalled || fence.signalledAt() - lastSignal > 0) lastSignal = fence.signalledAt();
            signalled = true;
            if (status > 0) failed.add(fence);
        }
        List<Fence> kept = new ArrayList<>(failed);
        kept.addAll(latest.values());
        return switch (kept.size()) {
            case 0 -> domain.signalled(label, 0, lastSignal);
            case 1 -> kept.getFirst();
            default -> domain.allOf(label, kept);
        };
    }
}
