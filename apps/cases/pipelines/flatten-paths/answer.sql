SELECT at, quantity AS sales_quantity, total AS sales_total, clicks AS visit_clicks, page AS visit_page_path, tags AS visit_page_tags FROM clicks;
