/** What sharing a buffer costs: transfers of ownership, flushes done and skipped, attaching and mapping. */
@NullMarked
package sluice.bench.dmacore;

import org.jspecify.annotations.NullMarked;
