package sluice.iommu.tiler;

import sluice.iommu.TargetRuns;
import sluice.iommu.Targets;

/** Splits runs of pages into rows of slots. */
final class PageRows {
    private final TargetRuns pages;
    private final TargetRuns row = new TargetRuns();
    private int run;
    private long done;

    PageRows(TargetRuns pages) {
        this.pages = pages;
    }

    /** The next {@code count} pages; the list is reused by the next call. */
    TargetRuns next(int count) {
        row.clear();
        long left = count * Targets.PAGE_SIZE;
        while (left > 0) {
            long step = Math.min(left, pages.length(run) - done);
            row.add(pages.target(run) + done, step);
            left -= step;
            done += step;
            if (done == pages.length(run)) {
                run++;
                done = 0;
            }
        }
        return row;
    }
}
