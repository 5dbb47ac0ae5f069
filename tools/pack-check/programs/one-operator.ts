import { kmeans } from "@sferic/transforms/kmeans";
import { tableFromArrays } from "apache-arrow";

const flashes = tableFromArrays({
  lon: Float64Array.of(-80.1, -80.3, -80.2, -60.4, -60.1, -60.2),
  lat: Float64Array.of(25.7, 25.9, 25.8, -3.1, -3.3, -3.2),
});
const { main, centroids } = await kmeans.run(flashes, { columns: ["lon", "lat"], clusterCount: 2 });
console.log(main.toString());
console.log(centroids?.toString());
